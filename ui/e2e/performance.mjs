// `npm run measure`: what the page costs, against the budget it has. ORCHESTRATE_BIN names the binary.
import { cpus, loadavg, totalmem } from 'node:os';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { large } from './large.mjs';
import { until, World } from './world.mjs';

const binary = process.env.ORCHESTRATE_BIN ?? new URL('../../target/release/orchestrate', import.meta.url).pathname;
if (!existsSync(binary)) {
  console.error(`no binary at ${binary}: build it (cargo build --release --package orchestrate) or name it in ORCHESTRATE_BIN`);
  process.exit(2);
}
const wanted = process.argv.slice(2);
const rows = [];
let over = 0;
const kb = (bytes) => `${(bytes / 1024).toFixed(1)} KB`;
const ms = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
const part = (values, share) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? NaN;
const median = (values) => part(values, 0.5);

/** `budget` in the unit of `value`; nothing: only told. */
function tell(what, value, unit, budget) {
  const met = budget === undefined ? '' : value <= budget ? 'yes' : 'NO';
  if (met === 'NO') over += 1;
  const row = [what, unit(value), budget === undefined ? '' : unit(budget), met];
  rows.push(row);
  console.log(`| ${row.join(' | ')} |`);
}

const ended = (world, name, most = 300_000) => until(async () => ['succeeded', 'failed', 'cancelled'].includes((await world.api('GET', `/api/runs/${name}`)).status), name, most);
const mark = (page, name) => page.waitForFunction((wanted) => performance.getEntriesByName(wanted)[0]?.startTime, name, { timeout: 60_000, polling: 20 }).then((found) => found.jsonValue());

/** Times between frames, in ms, while `work` goes on. */
async function frames(page, work) {
  await page.evaluate(() => {
    window.frameTimes = [];
    let last = performance.now();
    const tick = () => {
      const now = performance.now();
      window.frameTimes.push(now - last);
      last = now;
      window.frameLoop = requestAnimationFrame(tick);
    };
    window.frameLoop = requestAnimationFrame(tick);
  });
  await work();
  return page.evaluate(() => {
    cancelAnimationFrame(window.frameLoop);
    return window.frameTimes.slice(1);
  });
}

function sizes() {
  const folder = process.env.UI_DIST ? `${process.env.UI_DIST}/assets` : new URL('../../crates/server/assets', import.meta.url).pathname;
  const packed = (name) => (name.endsWith('.gz') ? readFileSync(`${folder}/${name}`).length : gzipSync(readFileSync(`${folder}/${name}`), { level: 9 }).length);
  const all = readdirSync(folder).filter((name) => /\.(js|css)(\.gz)?$/.test(name));
  const of = (begin) => all.filter((name) => name.startsWith(begin)).reduce((sum, name) => sum + packed(name), 0);
  tell('style sheet, packed', of('style-'), kb, 12 * 1024);
  tell('editor, packed', of('editor-'), kb, 190 * 1024);
  tell('form of the editor, packed', of('form-'), kb);
  tell('previews, packed', of('preview-') + of('markdown-'), kb, 30 * 1024);
}

async function firstLoad(world) {
  const looks = [];
  for (const slow of [1, 4]) {
    const times = [];
    let [bytes, requests] = [0, 0];
    for (let round = 0; round < 5; round += 1) {
      const look = await world.owner();
      const client = await look.context.newCDPSession(look.page);
      await client.send('Network.enable');
      await client.send('Network.setCacheDisabled', { cacheDisabled: true });
      await client.send('Emulation.setCPUThrottlingRate', { rate: slow });
      const answers = [];
      look.page.on('response', (response) => answers.push(response));
      await look.page.goto(`${world.base}/runs`);
      times.push(await mark(look.page, 'orc:useful'));
      const scripts = await Promise.all(answers.filter((one) => one.url().endsWith('.js')).map(async (one) => (await one.request().sizes()).responseBodySize));
      bytes = scripts.reduce((sum, size) => sum + size, 0);
      requests = answers.length;
      await look.context.close();
    }
    looks.push([slow, median(times), bytes, requests]);
  }
  const floor = [];
  for (let round = 0; round < 5; round += 1) {
    const look = await world.owner();
    await look.page.goto(`${world.base}/healthz`);
    floor.push(await look.page.evaluate(() => performance.getEntriesByType('navigation')[0].domComplete));
    await look.context.close();
  }
  tell('floor: three letters of text from the same server in the same browser', median(floor), ms);
  if (!process.env.UI_DIST) tell('scripts of the first load, packed', looks[0][2], kb, 60 * 1024);
  tell('requests of the first load', looks[0][3], String, 8);
  tell('useful after, cold', looks[0][1], ms);
  tell('useful after, cold, processor slowed 4 times', looks[1][1], ms, 1000);
}

async function routes(world) {
  const look = await world.owner();
  await look.go('/');
  const times = [];
  for (const room of ['Runs', 'Pipelines', 'Tasks', 'Metrics', 'Runs', 'Pipelines', 'Tasks', 'Metrics']) {
    await look.page.evaluate(() => performance.clearMarks('orc:useful'));
    const begun = await look.page.evaluate(() => performance.now());
    await look.page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: room }).click();
    times.push((await mark(look.page, 'orc:useful')) - begun);
  }
  tell('from a click to another page, median', median(times), ms, 200);
  await look.context.close();
}

async function eventToPixel(world) {
  const stages = Array.from({ length: 40 }, (_, n) => `  - {name: s${n}, run: "sleep 0.05"}`).join('\n');
  await world.api('POST', '/api/pipelines', { definition: `name: ticks\nstages:\n${stages}\n` });
  const look = await world.owner();
  await world.api('POST', '/api/pipelines/ticks/run', {});
  await look.page.goto(`${world.base}/runs/ticks/1`);
  await look.page.waitForSelector('[data-run="ticks#1"][data-status=succeeded]', { timeout: 120_000 });
  const applied = await look.page.evaluate(() => performance.getEntriesByName('orc:applied').filter((one) => one.detail.topic.startsWith('run:')).map((one) => [one.detail.seq, performance.timeOrigin + one.startTime]));
  const events = [];
  for (let after = 0; ; ) {
    const page = await world.api('GET', `/api/runs/ticks~1/events?limit=500&after=${after}`);
    events.push(...page.data);
    if (!page.next) break;
    after = page.next;
  }
  const at = new Map(events.map((event) => [event.seq, Date.parse(event.at)]));
  // What the first snapshot held already has no way behind it.
  const first = Math.min(...applied.map(([seq]) => seq));
  const late = applied.filter(([seq]) => seq > first && at.has(seq)).map(([seq, time]) => time - at.get(seq));
  tell(`from an event to the page, median of ${late.length}`, median(late), ms);
  tell('from an event to the page, 95 of 100', part(late, 0.95), ms, 250);
  await look.context.close();
}

async function graph(world) {
  const definition = large(1000);
  await world.api('POST', '/api/pipelines', { definition });
  await world.api('POST', '/api/pipelines/large/run', {});
  await ended(world, 'large~1');
  const answer = await fetch(`${world.base}/api/runs/large~1/graph`, { headers: { authorization: `Bearer ${world.token}` } });
  tell('graph of 1,000 stages, packed', gzipSync(Buffer.from(await answer.arrayBuffer())).length, kb, 80 * 1024);
  const [plain, drawn] = [[], []];
  for (let round = 0; round < 5; round += 1) {
    for (const [path, times] of [['/api/validate', plain], ['/api/validate?graph=true', drawn]]) {
      const begun = performance.now();
      await world.api('POST', path, { definition });
      times.push(performance.now() - begun);
    }
  }
  tell('checking 1,000 stages, over HTTP', median(plain), ms);
  tell('laying them out beside that', Math.max(0, median(drawn) - median(plain)), ms, 50);
  const look = await world.owner();
  const draws = [];
  for (let round = 0; round < 3; round += 1) {
    await look.page.goto(`${world.base}/runs/large/1?view=graph`);
    const drawnAt = await mark(look.page, 'orc:graph-drawn');
    const came = await look.page.evaluate(() => Math.max(...performance.getEntriesByType('resource').filter((one) => one.name.includes('/graph')).map((one) => one.responseEnd)));
    draws.push(drawnAt - came);
  }
  tell('first drawing of 1,000 stages, from when its data is there', median(draws), ms, 300);
  const box = await look.page.locator('canvas[data-nodes]').boundingBox();
  const pan = await frames(look.page, async () => {
    await look.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await look.page.mouse.down();
    for (let step = 0; step < 90; step += 1) await look.page.mouse.move(box.x + box.width / 2 - step * 6, box.y + box.height / 2 + ((step * 3) % 60));
    await look.page.mouse.up();
  });
  tell('moving it, between frames, median', median(pan), ms);
  tell('moving it, between frames, 95 of 100', part(pan, 0.95), ms, 33);
  await look.context.close();
}

async function logs(world, lines, budget) {
  const name = `log-${lines}`;
  await world.api('POST', '/api/pipelines', { definition: `name: ${name}\nstages:\n  - name: talk\n    run: seq -f 'line %.0f of a log with some words in it' 1 ${lines}\n` });
  await world.api('POST', `/api/pipelines/${name}/run`, {});
  await ended(world, `${name}~1`);
  const look = await world.owner();
  await look.page.goto(`${world.base}/runs/${name}/1?stage=talk&tab=io`);
  const tab = look.page.getByRole('navigation', { name: 'Stage' }).getByRole('link', { name: 'Log' });
  await tab.waitFor();
  const begun = await look.page.evaluate(() => performance.now());
  await tab.click();
  const tail = await mark(look.page, 'orc:log-tail');
  await look.page.waitForSelector(`[data-line="${lines}"]`, { timeout: 120_000 });
  tell(`log of ${lines.toLocaleString('en')} lines, its end shown after a click`, tail - begun, ms, budget);
  const client = await look.context.newCDPSession(look.page);
  await client.send('HeapProfiler.collectGarbage');
  const { usedSize } = await client.send('Runtime.getHeapUsage');
  tell('memory of its scripts', usedSize, (bytes) => `${Math.round(bytes / 1048576)} MB`, budget === undefined ? undefined : 60 * 1048576);
  const box = await look.page.locator('[data-line]').first().boundingBox();
  await look.page.mouse.move(box.x + 100, box.y + 20);
  const before = (await client.send('Performance.enable'), await client.send('Performance.getMetrics')).metrics;
  const scrolled = await frames(look.page, async () => {
    for (let step = 0; step < 80; step += 1) await look.page.mouse.wheel(0, -400);
  });
  const after = (await client.send('Performance.getMetrics')).metrics;
  const of = (all, wanted) => all.find((one) => one.name === wanted).value;
  tell('scrolling it, scripts a frame, mean', ((of(after, 'ScriptDuration') - of(before, 'ScriptDuration')) * 1000) / Math.max(1, scrolled.length), ms, 4);
  tell('scrolling it, between frames, 95 of 100', part(scrolled, 0.95), ms);
  tell('elements on the page', await look.page.evaluate(() => document.querySelectorAll('*').length), String, budget === undefined ? undefined : 600);
  tell('lines on the page', await look.page.locator('[data-line]').count(), String, 400);
  await look.context.close();
}

const parts = { sizes: () => sizes(), first: firstLoad, routes, events: eventToPixel, graph, log: (world) => logs(world, 100_000, 300), biglog: (world) => logs(world, 1_000_000) };
console.log(`${cpus().length} x ${cpus()[0].model}, ${Math.round(totalmem() / 2 ** 30)} GiB, no GPU; headless Chromium on the same machine; load ${loadavg()[0].toFixed(1)} when it began\n`);
console.log('| what | measured | budget | met |\n| --- | --- | --- | --- |');
const world = await World.begin(binary);
try {
  for (const [name, measure] of Object.entries(parts)) if (wanted.length === 0 || wanted.includes(name)) await measure(world);
} finally {
  await world.end();
}
console.log(`\n${rows.length} measured, ${over} over their budget`);
process.exit(over > 0 ? 1 : 0);
