// Lays what Vite built into the server crate: compressed, and listed for the compiler.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const from = new URL('dist/', import.meta.url).pathname;
const to = new URL('../crates/server/assets/', import.meta.url).pathname;
const sources = process.env.UI_SOURCES;
if (!/^[0-9a-f]{16}$/.test(sources ?? '')) {
  console.error('run `cargo xtask ui`: it knows of which sources this is built');
  process.exit(2);
}

rmSync(to, { recursive: true, force: true });
mkdirSync(to, { recursive: true });
const pack = (name, bytes) => {
  const packed = gzipSync(bytes, { level: 9 });
  // The system that packed it is named in a byte of the head: it shall not matter.
  packed[9] = 255;
  writeFileSync(join(to, `${name}.gz`), packed);
  return packed.length;
};

const names = readdirSync(join(from, 'assets')).sort();
let total = 0;
for (const name of names) {
  const size = pack(name, readFileSync(join(from, 'assets', name)));
  total += size;
  console.log(`${String(size).padStart(8)}  ${name}`);
}
total += pack('index.html', readFileSync(join(from, 'index.html')));

const lines = names.map((name) => `    ("${name}", include_bytes!("${name}.gz")),\n`).join('');
writeFileSync(
  join(to, 'table.rs'),
  `//! Made by \`cargo xtask ui\`: what the page is made of, compressed.

/// Of the sources in \`ui/\` that this was built of.
pub(super) const SOURCES: &str = "${sources}";

pub(super) static INDEX: &[u8] = include_bytes!("index.html.gz");

#[rustfmt::skip]
pub(super) static FILES: &[(&str, &[u8])] = &[
${lines}];
`,
);
console.log(`${String(total).padStart(8)}  in all`);
