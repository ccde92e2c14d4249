/** A definition to read: numbered, with keys, texts and notes told apart. */

interface Token {
  kind: 'key' | 'text' | 'note' | 'plain';
  text: string;
}

/** One line at a time, without knowing blocks: enough to read by. Pure. */
export function tokens(line: string): Token[] {
  const note = /(^|\s)#.*$/.exec(line);
  const noteAt = note ? note.index + (note[1] ?? '').length : line.length;
  const code = line.slice(0, noteAt);
  const found: Token[] = [];
  const key = /^(\s*(?:- )?)([\w.$-]+)(:)(?=\s|$)/.exec(code);
  let rest = code;
  if (key) {
    found.push({ kind: 'plain', text: key[1] ?? '' }, { kind: 'key', text: key[2] ?? '' }, { kind: 'plain', text: ':' });
    rest = code.slice(key[0].length);
  }
  for (const part of rest.split(/("(?:[^"\\]|\\.)*"|'[^']*')/)) {
    if (part) found.push({ kind: /^["']/.test(part) ? 'text' : 'plain', text: part });
  }
  if (noteAt < line.length) found.push({ kind: 'note', text: line.slice(noteAt) });
  return found.filter((token) => token.text !== '');
}

export function Yaml({ text }: { text: string }) {
  const lines = text.replace(/\n$/, '').split('\n');
  return (
    <pre class="code" tabIndex={0} aria-label="Definition">
      {lines.map((line, at) => (
        <span key={at}>
          <span class="at">{at + 1}</span>
          {tokens(line).map((token, place) => (
            <span key={place} class={token.kind === 'plain' ? '' : `y-${token.kind}`}>
              {token.text}
            </span>
          ))}
          {'\n'}
        </span>
      ))}
    </pre>
  );
}
