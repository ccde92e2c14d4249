// When there is very much of it.
import { large } from '../large.mjs';
import { equal, holds, until } from '../world.mjs';

/** How many of the canvas' pixels are painted, and a sum that is another when the picture is. */
const pictureOf = (canvas) =>
  canvas.evaluate((element) => {
    const { data } = element.getContext('2d').getImageData(0, 0, element.width, element.height);
    let [painted, sum] = [0, 0];
    for (let at = 3; at < data.length; at += 4) {
      if (data[at] === 0) continue;
      painted += 1;
      sum = (sum * 31 + at + data[at - 1] + data[at - 2] + data[at - 3]) % 1_000_000_007;
    }
    return { painted, sum };
  });

export async function J23_a_thousand_stages_are_drawn_moved_and_found(world) {
  await world.api('POST', '/api/pipelines', { definition: large(1000) });
  await world.api('POST', '/api/pipelines/large/run', {});
  await until(async () => (await world.api('GET', '/api/runs/large~1')).status === 'succeeded', 'the end', 120_000);
  const look = await world.owner();
  const { page } = look;
  await look.go('/runs/large/1');
  const canvas = page.locator('canvas[data-nodes="1000"]');
  await canvas.waitFor();
  await page.waitForFunction(() => performance.getEntriesByName('orc:graph-drawn').length > 0);
  const first = await pictureOf(canvas);
  holds(first.painted > 10_000, `${first.painted} pixels are painted`);
  // What the canvas shows is a tree and a table too: the same stages, in the same states.
  const { stages } = await world.api('GET', '/api/runs/large~1');
  const wanted = stages.map((stage) => [stage.name, stage.status]);
  const listed = (rows) => page.$$eval(rows, (all) => all.map((row) => [row.dataset.stage, row.dataset.status]));
  equal(await listed('[role=treeitem]'), wanted, 'stages of the tree');
  // Moved by hand, it shows another part of it, and back again the same.
  const box = await canvas.boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const drag = async (by) => {
    const before = await pictureOf(canvas);
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + by, y + 10, { steps: 8 });
    await page.mouse.move(x + by, y, { steps: 2 });
    await page.mouse.up();
    await until(async () => (await pictureOf(canvas)).sum !== before.sum, 'the picture to move');
  };
  await drag(-300);
  await drag(300);
  await page.mouse.move(2, 2);
  await until(async () => (await pictureOf(canvas)).sum === first.sum, 'the picture to be as it was');
  holds(!page.url().includes('stage='), `moved, not chosen: ${page.url()}`);
  // Found by its name: chosen, and in the middle.
  const search = page.getByRole('searchbox', { name: 'Find a stage' });
  await search.fill('s77');
  await page.getByText('1 of 11', { exact: true }).waitFor();
  await search.fill('s777');
  await search.press('Enter');
  await page.getByRole('region', { name: 'Stage s777' }).waitFor();
  holds(page.url().includes('stage=s777'), page.url());
  equal(await page.getByRole('treeitem', { selected: true }).getAttribute('data-stage'), 's777', 'the stage chosen in the tree');
  await page.getByRole('button', { name: 'Close panel' }).click();
  await page.getByRole('region', { name: 'Stage s777' }).waitFor({ state: 'detached' });
  await canvas.click();
  await page.getByRole('region', { name: 'Stage s777' }).waitFor();
  // All of it at once, and the table.
  await page.getByRole('button', { name: 'Fit' }).click();
  await page.getByRole('button', { name: 'Table', exact: true }).click();
  await page.locator('tr[data-stage=s999]').waitFor();
  equal(await listed('tr[data-stage]'), wanted, 'stages of the table');
  await look.close();
}
