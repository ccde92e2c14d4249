/** Who may import whom, and what no part may do. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = new URL('.', import.meta.url).pathname;

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : /\.tsx?$/.test(name) && !name.endsWith('.d.ts') ? [path] : [];
  });
}

const sources = files(ROOT).filter((path) => !path.endsWith('.test.ts'));

/** `features/runs`, `components`, `app`. */
function layer(path: string): string {
  const parts = relative(ROOT, path).split('/');
  return parts[0] === 'features' ? `features/${parts[1]}` : parts.length === 1 ? 'main' : (parts[0] ?? '');
}

function mayImport(from: string, to: string): boolean {
  if (from === to || from === 'main') return true;
  const below: Record<string, string[]> = { api: [], live: ['api'], components: ['api', 'live'], app: ['api', 'live', 'components', 'features'] };
  const allowed = from.startsWith('features/') ? ['api', 'live', 'components'] : (below[from] ?? []);
  return allowed.includes(to.startsWith('features/') ? 'features' : to);
}

test('a feature imports no other feature, and nothing imports what stands above it', () => {
  const wrong: string[] = [];
  for (const path of sources) {
    for (const match of readFileSync(path, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
      const target = normalize(join(dirname(path), match[1] ?? ''));
      if (!target.startsWith(ROOT) || /\.(css)$/.test(target)) continue;
      if (!mayImport(layer(path), layer(target))) wrong.push(`${relative(ROOT, path)} imports ${match[1]}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('the rule refuses what it is there to refuse', () => {
  expect(mayImport('features/runs', 'features/tasks')).toBe(false);
  expect(mayImport('components', 'features/runs')).toBe(false);
  expect(mayImport('api', 'live')).toBe(false);
  expect(mayImport('features/runs', 'app')).toBe(false);
  expect(mayImport('app', 'features/runs')).toBe(true);
});

test('nothing is asked again and again, and no markup is made of text', () => {
  const wrong: string[] = [];
  for (const path of sources) {
    const text = readFileSync(path, 'utf8');
    for (const word of ['setInterval(', 'dangerouslySetInnerHTML', '.innerHTML', 'eval(', 'document.write']) {
      if (text.includes(word)) wrong.push(`${relative(ROOT, path)}: ${word}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('status colours are named in one file and in the style sheets', () => {
  const wrong = sources
    .filter((path) => !/components\/(status|ink|tab)\.tsx?$/.test(path))
    .filter((path) => /#[0-9a-f]{6}\b/i.test(readFileSync(path, 'utf8')));
  expect(wrong.map((path) => relative(ROOT, path))).toEqual([]);
});

test('files stay short enough to be read', () => {
  const long = sources.filter((path) => readFileSync(path, 'utf8').split('\n').length > 500);
  expect(long).toEqual([]);
});
