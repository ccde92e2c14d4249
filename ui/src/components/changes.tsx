/** What changed from one text or file to another. */
import { get } from '../api/client';
import { useLoad } from './load';
import { Skeleton, Trouble } from './parts';

/** A unified diff, as the server makes it. */
export function Unified({ text, label }: { text: string; label: string }) {
  const lines = text.replace(/\n$/, '').split('\n');
  return (
    <pre class="code diff" tabIndex={0} aria-label={label}>
      {lines.map((line, at) => (
        <span key={at} class={kindOf(line, lines[at - 1] ?? '', lines[at + 1] ?? '')}>
          {line}
        </span>
      ))}
    </pre>
  );
}

/** Names of files are neither added nor taken away. Pure. */
function kindOf(line: string, before: string, after: string): string {
  const names = (line.startsWith('--- ') && after.startsWith('+++ ')) || (line.startsWith('+++ ') && before.startsWith('--- '));
  if (names || line.startsWith('@')) return 'part';
  return line.startsWith('+') ? 'plus' : line.startsWith('-') ? 'minus' : '';
}

/** From the file `against` to the file `id`. */
export function FileChange({ id, against, label }: { id: string; against: string; label: string }) {
  const found = useLoad(`${against} ${id}`, () => get('/api/artifacts/{id}/diff', { path: { id }, query: { against } }));
  if (found.refused) return <Trouble refusal={found.refused} again={found.again} />;
  if (!found.value) return <Skeleton rows={3} />;
  const { same, diff } = found.value;
  if (same) return <p class="soft small">Both are the same, to the byte.</p>;
  if (!diff) return <p class="soft small">They differ; one of them is no text, or larger than 1 MiB.</p>;
  return <Unified text={diff} label={label} />;
}
