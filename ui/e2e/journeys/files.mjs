// What runs leave, and what is different between them.
import { createHash } from 'node:crypto';
import { equal, holds, until } from '../world.mjs';

const LEAVES = `name: leaves
inputs: {who: {type: string, default: ana}}
stages:
  - name: make
    depends_on: []
    env: {WHO: "\${who}"}
    run: |
      mkdir -p out
      printf '# Report of %s\\n\\n- **one**\\n' "$WHO" > out/report.md
      printf '{"who":"%s","n":[1,2]}' "$WHO" > out/data.json
      printf 'name,count\\n%s,1\\n"a,b",2\\n' "$WHO" > out/table.csv
      printf '<h1>Hi</h1><script>document.title="owned"</script>' > out/page.html
      printf 'graph TD; a-->b' > out/flow.mmd
      printf 'print("hi")\\n' > out/tool.py
      printf 'plain\\n' > out/notes.txt
      printf 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==' | base64 -d > out/dot.png
      head -c 2000000 /dev/zero | tr '\\0' 'x' > out/long.txt
      if [ "$WHO" = bo ]; then truncate -s 1G out/big.bin; else truncate -s 1K out/big.bin; fi
    artifacts:
      report: out/report.md
      data: out/data.json
      table: out/table.csv
      page: out/page.html
      flow: out/flow.mmd
      tool: out/tool.py
      notes: out/notes.txt
      dot: out/dot.png
      long: out/long.txt
      big: {path: out/big.bin, max_bytes: 2147483648}
`;

export async function J12_files_are_looked_into_and_compared(world) {
  await world.api('POST', '/api/pipelines', { definition: LEAVES });
  await world.api('POST', '/api/pipelines/leaves/run', {});
  const ended = (number) => until(async () => ['succeeded', 'failed'].includes((await world.api('GET', `/api/runs/leaves~${number}`)).status), `run ${number}`, 120_000);
  await ended(1);
  equal((await world.api('GET', '/api/runs/leaves~1')).status, 'succeeded', 'the first run');
  const look = await world.owner();
  const { page } = look;
  // The next version, by the run page itself.
  await look.go('/runs/leaves/1');
  await page.getByRole('button', { name: 'Extend', exact: true }).click();
  await page.getByRole('dialog').getByLabel('who').fill('bo');
  await look.accessible();
  await page.getByRole('button', { name: 'Start the next run' }).click();
  await page.waitForURL(/\/runs\/leaves\/2/);
  await page.getByText('goes on from leaves#1').waitFor();
  await ended(2);
  equal((await world.api('GET', '/api/runs/leaves~2')).status, 'succeeded', 'the second run');
  await look.go('/runs/leaves/2?tab=artifacts');
  const line = (name) => page.getByRole('listitem').filter({ has: page.getByRole('button', { name: new RegExp(`^[▸▾] ${name}$`) }) });
  const open = async (name) => {
    await line(name).getByRole('button', { name: new RegExp(name) }).first().click();
    return line(name);
  };
  await (await open('report')).getByRole('heading', { name: 'Report of bo' }).waitFor();
  await (await open('data')).getByText('"who": "bo"').waitFor();
  await (await open('table')).getByRole('cell', { name: 'a,b' }).waitFor();
  const frame = (await open('page')).locator('iframe');
  await frame.waitFor();
  equal(await frame.getAttribute('sandbox'), '', 'what the frame may do');
  holds((await page.title()) !== 'owned', 'the page ran a script of an artifact');
  await (await open('flow')).getByText('graph TD').waitFor();
  await (await open('tool')).getByText('print("hi")').waitFor();
  await (await open('notes')).getByText('plain').waitFor();
  const picture = (await open('dot')).getByRole('img', { name: 'dot', exact: true });
  await until(() => picture.evaluate((img) => img.complete && img.naturalWidth === 1), 'the picture');
  await (await open('long')).getByText(/The first 1.0 MiB of 1.9 MiB/).waitFor();
  await (await open('big')).getByText(/1.0 GiB\) is not shown here/).waitFor();
  await look.accessible();
  // Against the version before.
  await page.getByLabel('Compare with').selectOption('leaves#1');
  await line('report').getByRole('button', { name: 'Diff to leaves#1' }).click();
  await line('report').locator('.diff .plus', { hasText: 'Report of bo' }).waitFor();
  await line('report').locator('.diff .minus', { hasText: 'Report of ana' }).waitFor();
  await line('notes').getByRole('button', { name: 'Same as leaves#1' }).waitFor();
  // And the two runs as a whole.
  await look.go('/compare?a=leaves%231&b=leaves%232');
  const row = page.getByRole('listitem').filter({ hasText: 'report' });
  await row.getByRole('button', { name: 'Diff' }).click();
  await row.locator('.diff .plus', { hasText: 'Report of bo' }).waitFor();
  equal(await page.getByRole('listitem').filter({ hasText: 'notes' }).count(), 0, 'files that are the same');
  // What is kept is what was made.
  const files = (await world.api('GET', '/api/artifacts?run=leaves~2&limit=100')).data;
  const long = files.find((one) => one.name === 'long');
  equal(long.digest, createHash('sha256').update('x'.repeat(2_000_000)).digest('hex'), 'the digest');
  // Chromium takes its hands off the frame when the page goes on.
  await look.close().catch((error) => {
    const left = error.message.split('\n').filter((line) => !/content .*ERR_ABORTED|Blocked script execution|sandboxed|Content Security Policy/.test(line));
    if (left.some((line) => line.trim() !== '')) throw error;
  });
}

export async function J5b_two_versions_side_by_side(world) {
  const text = (word) => `name: many\nstages:\n  - {name: a, run: echo ${word}}\n`;
  await world.api('POST', '/api/pipelines', { definition: text('one') });
  for (const word of ['two', 'three']) await world.api('PUT', '/api/pipelines/many', { definition: text(word) });
  const look = await world.owner();
  await look.go('/pipelines/many/definition');
  await look.page.getByRole('link', { name: 'r3' }).click();
  await look.page.waitForURL(/\/pipelines\/many\/versions\/2\.\.3$/);
  await look.page.locator('.diff .plus', { hasText: 'echo three' }).waitFor();
  await look.page.locator('.diff .minus', { hasText: 'echo two' }).waitFor();
  await look.page.getByLabel('Older version').selectOption('1');
  await look.page.waitForURL(/\/versions\/1\.\.3$/);
  await look.page.locator('.diff .minus', { hasText: 'echo one' }).waitFor();
  await look.accessible();
  await look.go('/pipelines/many/versions/7..9');
  await look.page.getByText('There are no such versions').waitFor();
  await look.close();
}
