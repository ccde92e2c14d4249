/** A look into a file that a run made. What it holds is never trusted: it is text, or stands in a frame that may do nothing. */
import { send } from '../api/client';
import type { ArtifactView } from '../api/types';
import { Unified } from './changes';
import { useLoad } from './load';
import { Markdown } from './markdown';
import { Skeleton, Trouble } from './parts';
import { bytes } from './text';

/** More than this is not shown, only offered. */
const MOST = 1024 * 1024;

type Kind = 'image' | 'html' | 'markdown' | 'json' | 'csv' | 'diff' | 'text' | 'none';

/** By the end of its name. Pure. */
export function kindOf(path: string, format: string): Kind {
  const end = (/\.([a-z0-9]+)$/i.exec(path)?.[1] ?? format).toLowerCase();
  if (['png', 'jpg', 'jpeg', 'gif', 'webp', 'avif'].includes(end)) return 'image';
  if (['html', 'htm'].includes(end)) return 'html';
  if (['md', 'markdown'].includes(end)) return 'markdown';
  if (['json'].includes(end)) return 'json';
  if (['csv', 'tsv'].includes(end)) return 'csv';
  if (['diff', 'patch'].includes(end)) return 'diff';
  if (['zip', 'gz', 'tar', 'zst', 'xz', 'bin', 'exe', 'so', 'pdf', 'mp4', 'sqlite'].includes(end)) return 'none';
  return 'text';
}

export function Preview({ artifact }: { artifact: ArtifactView }) {
  const kind = kindOf(artifact.path || artifact.name, artifact.format);
  const url = `/api/artifacts/${artifact.id}/content`;
  const reads = !['image', 'none'].includes(kind);
  const content = useLoad(reads ? artifact.id : undefined, async () => {
    const response = await send(url, { headers: { range: `bytes=0-${MOST - 1}` } });
    return (await response.text()).slice(0, MOST);
  });
  if (kind === 'none') return <p class="soft small">This kind of file ({bytes(artifact.bytes)}) is not shown here; download it.</p>;
  if (kind === 'image') return <img class="preview-image" src={url} alt={artifact.name} />;
  if (content.refused) return <Trouble refusal={content.refused} again={content.again} />;
  if (content.value === undefined) return <Skeleton rows={4} />;
  const text = content.value;
  return (
    <>
      {artifact.bytes > MOST ? <p class="soft small">The first {bytes(MOST)} of {bytes(artifact.bytes)}; download it for all of it.</p> : null}
      {kind === 'html' ? (
        <iframe class="preview-frame" sandbox="" src={url} title={artifact.name} />
      ) : kind === 'markdown' ? (
        <Markdown text={text} />
      ) : kind === 'diff' ? (
        <Unified text={text} label={artifact.name} />
      ) : kind === 'csv' ? (
        <Csv text={text} tab={artifact.path.endsWith('.tsv')} />
      ) : (
        <pre class="code" tabIndex={0}>
          {kind === 'json' ? pretty(text) : text}
        </pre>
      )}
    </>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Rows of cells; quotes as RFC 4180 has them. Pure. */
export function cells(text: string, mark: string, most: number): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let quoted = false;
  for (let at = 0; at < text.length && rows.length < most; at += 1) {
    const sign = text[at] ?? '';
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else quoted = false;
    } else if (sign === '"' && cell === '') quoted = true;
    else if (sign === mark) {
      row.push(cell);
      cell = '';
    } else if (sign === '\n' || sign === '\r') {
      if (sign === '\r' && text[at + 1] === '\n') at += 1;
      rows.push([...row, cell]);
      row = [];
      cell = '';
    } else cell += sign;
  }
  if ((cell !== '' || row.length > 0) && rows.length < most) rows.push([...row, cell]);
  return rows;
}

function Csv({ text, tab }: { text: string; tab: boolean }) {
  const rows = cells(text, tab ? '\t' : ',', 500);
  const [head, ...rest] = rows;
  return (
    <div class="scroll-x">
      <table>
        <thead>
          <tr>{(head ?? []).map((cell, at) => <th key={at}>{cell}</th>)}</tr>
        </thead>
        <tbody>
          {rest.map((row, place) => (
            <tr key={place}>{row.map((cell, at) => <td key={at}>{cell}</td>)}</tr>
          ))}
        </tbody>
      </table>
      {rows.length === 500 ? <p class="soft small">The first 500 rows.</p> : null}
    </div>
  );
}
