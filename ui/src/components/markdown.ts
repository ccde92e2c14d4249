/** Markdown as elements, never as markup: nothing that a text holds can become a tag. The usual part of it. */
import { h, type ComponentChild } from 'preact';

type Block =
  | { kind: 'heading'; level: number; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'quote'; text: string }
  | { kind: 'list'; ordered: boolean; items: string[] }
  | { kind: 'table'; head: string[]; rows: string[][] }
  | { kind: 'rule' }
  | { kind: 'text'; text: string };

const row = (line: string): string[] => line.replace(/^\s*\||\|\s*$/g, '').split('|').map((cell) => cell.trim());

/** Pure. */
export function blocks(source: string): Block[] {
  const lines = source.replace(/\r\n?/g, '\n').split('\n');
  const found: Block[] = [];
  let at = 0;
  const take = (test: RegExp): string[] => {
    const taken: string[] = [];
    while (at < lines.length && test.test(lines[at] ?? '')) taken.push(lines[at++] ?? '');
    return taken;
  };
  while (at < lines.length) {
    const line = lines[at] ?? '';
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
    const fence = /^(```|~~~)/.exec(line);
    if (line.trim() === '') at += 1;
    else if (fence) {
      at += 1;
      const code: string[] = [];
      while (at < lines.length && !(lines[at] ?? '').startsWith(fence[1] ?? '```')) code.push(lines[at++] ?? '');
      at += 1;
      found.push({ kind: 'code', text: code.join('\n') });
    } else if (heading) {
      found.push({ kind: 'heading', level: (heading[1] ?? '#').length, text: heading[2] ?? '' });
      at += 1;
    } else if (/^\s*([-*_])\s*(\1\s*){2,}$/.test(line)) {
      found.push({ kind: 'rule' });
      at += 1;
    } else if (/^\s*>/.test(line)) {
      found.push({ kind: 'quote', text: take(/^\s*>/).map((one) => one.replace(/^\s*>\s?/, '')).join('\n') });
    } else if (/^\s*([-*+]|\d+[.)])\s+/.test(line)) {
      const ordered = /^\s*\d/.test(line);
      const items: string[] = [];
      for (const one of take(/^\s*([-*+]|\d+[.)])\s+|^\s{2,}\S/)) {
        const item = /^\s*(?:[-*+]|\d+[.)])\s+(.*)$/.exec(one);
        if (item) items.push(item[1] ?? '');
        else items.push(`${items.pop() ?? ''} ${one.trim()}`);
      }
      found.push({ kind: 'list', ordered, items });
    } else if (line.includes('|') && /^\s*\|?[\s:|-]+\|[\s:|-]*$/.test(lines[at + 1] ?? '')) {
      at += 2;
      found.push({ kind: 'table', head: row(line), rows: take(/\|/).map(row) });
    } else {
      found.push({ kind: 'text', text: take(/^(?!\s*$|#{1,6}\s|```|~~~|\s*>|\s*[-*+]\s|\s*\d+[.)]\s)/).join(' ') || (lines[at++] ?? '') });
    }
  }
  return found;
}

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|__([^_]+)__|\*([^*\s][^*]*)\*|!?\[([^\]]*)\]\(([^()\s]*)[^)]*\)/g;

/** Only addresses that lead somewhere a person can judge. */
function safe(address: string): string | undefined {
  return /^(https?:\/\/|\/(?!\/)|#)/.test(address) ? address : undefined;
}

function inside(text: string): ComponentChild[] {
  const found: ComponentChild[] = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > at) found.push(text.slice(at, match.index));
    const [all, code, strong, strong2, soft, label, address] = match;
    at = match.index + all.length;
    if (code !== undefined) found.push(h('code', null, code));
    else if (strong ?? strong2) found.push(h('strong', null, strong ?? strong2));
    else if (soft !== undefined) found.push(h('em', null, soft));
    else {
      const to = safe(address ?? '');
      // Pictures of elsewhere would tell elsewhere who looks: their words are enough.
      const isLink = to !== undefined && !all.startsWith('!');
      found.push(isLink ? h('a', { href: to, rel: 'noreferrer noopener', target: '_blank' }, label) : (label ?? ''));
    }
  }
  if (at < text.length) found.push(text.slice(at));
  return found;
}

function shown(block: Block): ComponentChild {
  switch (block.kind) {
    case 'heading':
      return h(`h${Math.min(6, block.level + 1)}` as 'h2', null, inside(block.text));
    case 'code':
      return h('pre', { tabIndex: 0 }, h('code', null, block.text));
    case 'quote':
      return h('blockquote', null, inside(block.text));
    case 'list':
      return h(block.ordered ? 'ol' : 'ul', null, block.items.map((item) => h('li', null, inside(item))));
    case 'table':
      return h('div', { class: 'scroll-x' }, h('table', null, h('thead', null, h('tr', null, block.head.map((cell) => h('th', null, inside(cell))))), h('tbody', null, block.rows.map((cells) => h('tr', null, cells.map((cell) => h('td', null, inside(cell))))))));
    case 'rule':
      return h('hr', null);
    case 'text':
      return h('p', null, inside(block.text));
  }
}

export function Markdown({ text }: { text: string }) {
  return h('div', { class: 'markdown' }, blocks(text).map(shown));
}
