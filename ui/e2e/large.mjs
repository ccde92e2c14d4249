/** A definition in layers of 25 stages, each of which waits for up to two of the layer before. */
export function large(count, name = 'large') {
  const width = 25;
  const stages = Array.from({ length: count }, (_, n) => {
    const above = n - width;
    const after = above < 0 ? [] : [...new Set([above, above - (above % width) + ((above + 7) % width)])].map((one) => `s${one}`);
    return `  - {name: s${n}, noop: true, depends_on: [${after.join(', ')}]}`;
  });
  return `name: ${name}\nstages:\n${stages.join('\n')}\n`;
}
