// What a stranger meets first.
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { equal, holds, Look, until } from '../world.mjs';

export async function J1_the_page_comes_from_the_binary_alone(world) {
  // Nothing of what it was built of is near: only the file itself, in a folder of its own.
  await world.stop();
  const away = mkdtempSync(join(tmpdir(), 'orchestrate-alone-'));
  const alone = join(away, 'orchestrate');
  copyFileSync(world.binary, alone);
  try {
    await world.serve('127.0.0.1:0', { binary: alone, cwd: away });
    const look = await world.owner();
    const sizes = [];
    look.page.on('response', async (response) => {
      if (response.url().includes('/assets/')) sizes.push([response.url().split('.').at(-1), gzipSync(await response.body()).length]);
    });
    look.requests.length = 0;
    await look.page.reload();
    await look.live();
    await look.page.getByText('No runs yet.').waitFor();
    await look.page.getByRole('button', { name: 'Run the example' }).waitFor();
    const http = look.requests.filter((url) => url.startsWith('http'));
    holds(http.length <= 8, `${http.length} requests: ${http.join(' ')}`);
    const size = (kind) => sizes.filter(([end]) => end === kind).reduce((sum, [, bytes]) => sum + bytes, 0);
    holds(size('js') > 0 && size('js') <= 60 * 1024, `JavaScript of ${size('js')} bytes`);
    holds(size('css') > 0 && size('css') <= 12 * 1024, `style sheets of ${size('css')} bytes`);
    const marks = await look.page.evaluate(() => performance.getEntriesByName('orc:useful').length);
    holds(marks > 0, 'no mark orc:useful');
    for (const path of ['/assets/none.js', '/assets/index.html', '/assets/..%2findex.html']) {
      const missing = await fetch(world.base + path, { headers: { accept: 'text/html' } });
      equal(missing.status, 404, path);
    }
    const packed = await fetch(`${world.base}/login`, { headers: { accept: 'text/html', 'accept-encoding': 'identity' } });
    holds((await packed.text()).includes('<div id="page">'), 'the document unpacked');
    const policy = packed.headers.get('content-security-policy') ?? '';
    holds(policy.includes("default-src 'none'") && !policy.includes('unsafe'), `the policy: ${policy}`);
    // The example is in the binary too.
    await look.page.getByRole('button', { name: 'Run the example' }).click();
    await look.page.waitForURL(/\/runs\/hello\/1/);
    await look.page.locator('[data-run="hello#1"][data-status=succeeded]').waitFor();
    await look.accessible();
    await look.close();
  } finally {
    await world.stop().catch(() => undefined);
    rmSync(away, { recursive: true, force: true });
    await world.serve('127.0.0.1:0');
  }
}

export async function J1b_a_wrong_address_has_a_way_home(world) {
  const look = await world.owner();
  for (const path of ['/nothing/here', '/experiments', '/runs/a/b/c']) {
    await look.page.goto(world.base + path);
    await look.live();
    await look.page.getByRole('heading', { name: 'Not found' }).waitFor();
    await look.page.getByText(`There is nothing at ${path}.`).waitFor();
    await look.accessible();
    await look.page.getByRole('link', { name: 'Go to Now' }).click();
    await look.page.getByRole('heading', { name: 'Now' }).first().waitFor();
  }
  // Programs are told in their own words, and files are files.
  const asked = (path, accept) => fetch(world.base + path, { headers: { accept, authorization: `Bearer ${world.token}` } });
  for (const [path, accept] of [['/nothing/here', '*/*'], ['/api/nothing', 'text/html'], ['/assets/a/b', 'text/html']]) {
    const answer = await asked(path, accept);
    equal([answer.status, answer.headers.get('content-type')], [404, 'application/problem+json'], path);
  }
  await look.close().catch((error) => {
    // That nothing is there is what was asked, and Chromium writes it down.
    const left = error.message.split('\n').filter((line) => !line.includes('404'));
    if (left.some((line) => line.trim() !== '')) throw error;
  });
}

export async function J2_the_example_runs_from_the_empty_page(world) {
  const look = await world.owner();
  await look.page.getByRole('button', { name: 'Run the example' }).click();
  await look.page.waitForURL(/\/runs\/hello\/1/);
  // The whole graph from the beginning.
  await look.page.getByRole('tree', { name: 'Stages' }).waitFor();
  const nodes = await look.page.locator('canvas[data-nodes]').getAttribute('data-nodes');
  equal(nodes, '6', 'stages in the graph');
  await look.page.locator('[data-run="hello#1"][data-status=succeeded]').waitFor();
  await look.page.getByRole('treeitem', { name: 'flaky, Succeeded, attempt 2' }).waitFor();
  await look.page.getByRole('treeitem', { name: /^check 1 of 2, Succeeded/ }).waitFor();
  await look.accessible();
  await look.page.getByRole('link', { name: 'Runs', exact: true }).first().click();
  await look.page.locator('tr[data-run="hello#1"][data-status=succeeded]').waitFor();
  await look.accessible();
  await look.page.getByRole('link', { name: 'Now', exact: true }).first().click();
  await look.page.locator('li[data-run="hello#1"][data-status=succeeded]').waitFor();
  await look.accessible();
  await look.close();
}

const SEVEN = `name: seven
stages:
${[1, 2, 3, 4, 5, 6, 7].map((n) => `  - {name: s${n}, run: "sleep 0.2"}`).join('\n')}
`;

export async function J3_a_run_is_watched_live_and_nothing_is_polled(world) {
  await world.api('POST', '/api/pipelines', { definition: SEVEN });
  const look = await world.owner();
  await look.go('/pipelines/seven/runs');
  await look.page.getByRole('button', { name: 'Run', exact: true }).click();
  await look.page.getByRole('button', { name: 'Start run' }).click();
  await look.page.waitForURL(/\/runs\/seven\/1/);
  await look.page.getByRole('tree', { name: 'Stages' }).waitFor();
  await look.page.waitForFunction(() => performance.getEntriesByName('orc:graph-drawn').length > 0);
  look.requests.length = 0;
  await look.page.locator('[data-run="seven#1"][data-status=succeeded]').waitFor();
  equal(look.requests.filter((url) => url.includes('/api/')), [], 'requests while the run went on');
  const applied = await look.page.evaluate(() => performance.getEntriesByName('orc:applied').map((mark) => mark.detail.seq));
  holds(applied.length > 3, 'marks orc:applied');
  await look.close();
}

export async function J3b_where_no_socket_gets_through_it_is_asked_for(world) {
  await world.api('POST', '/api/pipelines', { definition: SEVEN });
  const look = await world.owner();
  await look.page.addInitScript(() => {
    window.WebSocket = class {
      static OPEN = 1;
      readyState = 0;
      constructor() {
        setTimeout(() => this.onclose?.({ code: 1006 }), 5);
      }
      close() {}
      send() {}
    };
  });
  await look.go('/pipelines/seven/runs');
  look.requests.length = 0;
  await look.page.getByRole('button', { name: 'Run', exact: true }).click();
  await look.page.getByRole('button', { name: 'Start run' }).click();
  await look.page.waitForURL(/\/runs\/seven\/1/);
  await look.page.locator('[data-run="seven#1"][data-status=succeeded]').waitFor();
  await look.page.getByRole('treeitem', { name: 's7, Succeeded, attempt 1' }).click();
  await look.page.getByText('It wrote nothing.').waitFor();
  // Nothing happens: next to nothing is asked.
  const asked = () => look.requests.filter((url) => url.includes('/stream/poll')).length;
  const before = asked();
  await look.page.waitForTimeout(5000);
  holds(asked() - before <= 4, `${asked() - before} questions in five seconds of silence`);
  await look.go('/runs/none/7');
  await look.page.getByText('There is no such run').waitFor();
  await look.close().catch((error) => {
    // Questions that are about too little are broken off, and what is not there is a refusal.
    const left = error.message.split('\n').filter((line) => !line.includes('/stream/poll') && !line.includes('404'));
    if (left.some((line) => line.trim() !== '')) throw error;
  });
}

export async function J21_a_phone_decides(world) {
  await world.run(`name: ask
stages:
  - {name: build, run: "echo built"}
  - name: ship
    requires_approval: {approvers: [], quorum: 1, timeout: 1h, instructions: Ship it?}
    run: echo shipped
`);
  const look = await world.owner({ width: 390, height: 844 });
  const narrow = async (where) => {
    const wide = await look.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    holds(wide <= 0, `${where} is ${wide} px too wide`);
  };
  await look.go('/inbox');
  await look.page.getByRole('link', { name: 'Review' }).click();
  await look.page.getByLabel('Comment').fill('from the train');
  const box = await look.page.getByRole('button', { name: 'Approve' }).boundingBox();
  holds(box.height >= 44, `Approve is ${box.height} px high`);
  await narrow('the approval');
  await look.accessible();
  await look.page.getByRole('button', { name: 'Approve' }).click();
  await look.page.locator('[data-id][data-status=approved]').waitFor();
  for (const path of ['/', '/inbox', '/runs', '/pipelines', '/tasks?view=list', '/runs/ask/1', '/runs/ask/1?stage=build']) {
    await look.go(path);
    await look.page.waitForFunction(() => performance.getEntriesByName('orc:useful').length > 0);
    await narrow(path);
  }
  // A form, and a log, with a thumb.
  await world.run('name: form\nstages:\n  - name: notes\n    form: {fields: {version: {type: text, required: true}, words: {type: multiline_text}}}\n');
  await look.go('/inbox');
  await look.page.getByRole('link', { name: 'Fill in' }).click();
  await look.page.getByLabel('version').fill('1.4');
  await narrow('the form');
  await look.accessible();
  const submit = await look.page.getByRole('button', { name: 'Submit' }).boundingBox();
  holds(submit.height >= 44, `Submit is ${submit.height} px high`);
  await look.page.getByRole('button', { name: 'Submit' }).click();
  await look.page.locator('[data-id][data-status=submitted]').waitFor();
  await look.go('/runs/ask/1?stage=build&tab=log');
  await look.page.locator('[data-line="1"]', { hasText: 'built' }).waitFor();
  await narrow('the log');
  await look.accessible();
  const audit = await world.api('GET', '/api/audit?run=ask~1');
  holds(audit.data.some((one) => one.says.includes('from the train')), 'the comment in the audit');
  await look.close();
}

/** How people have set their systems. */
const LIGHTS = {
  light: { scheme: 'light' },
  dark: { scheme: 'dark' },
  'without motion': { scheme: 'light', motion: 'reduce' },
  'forced colours': { scheme: 'dark', colors: 'active' },
};

export async function J24_every_page_in_both_lights(world) {
  await world.run(SEVEN);
  await world.api('POST', '/api/tasks', { title: 'Add dark mode', pipeline: 'seven' });
  await until(async () => (await world.api('GET', '/api/runs/seven~1')).status === 'succeeded', 'the run');
  for (const [name, how] of Object.entries(LIGHTS)) {
    const look = await world.owner(how);
    for (const path of ['/', '/inbox', '/tasks', '/tasks/TASK-1', '/pipelines', '/pipelines/seven/graph', '/pipelines/seven/definition', '/pipelines/seven/settings', '/pipelines/seven/edit', '/runs', '/runs/seven/1?view=timeline', '/runs/seven/1?view=table&stage=s1', '/compare', '/templates', '/fleet', '/metrics', '/audit', '/settings/general', '/settings/secrets']) {
      await look.go(path);
      await look.page.waitForFunction(() => performance.getEntriesByName('orc:useful').length > 0, null, { timeout: 15_000 }).catch(() => look.faults.push(`${path} is of no use`));
      const before = look.faults.length;
      await look.accessible();
      for (let at = before; at < look.faults.length; at += 1) look.faults[at] = `${name} ${path}: ${look.faults[at]}`;
      if (how.motion === 'reduce') {
        const moving = await look.page.evaluate(() => document.getAnimations().filter((one) => one.playState === 'running' && Number(one.effect.getComputedTiming().duration) > 1).length);
        equal(moving, 0, `what moves on ${path}`);
      }
    }
    await look.close();
  }
  const stranger = await Look.open(world);
  await stranger.page.goto(`${world.base}/runs?q=x`);
  await stranger.page.getByRole('button', { name: 'Sign in' }).waitFor();
  holds(stranger.page.url().endsWith('/login?next=/runs%3Fq%3Dx'), stranger.page.url());
  await stranger.accessible();
  await stranger.close();
}
