// A run in all its states.
import { equal, holds, until } from '../world.mjs';

const DIAMOND = `name: diamond
inputs: {docs: {type: boolean, default: false}}
stages:
  - {name: plan, depends_on: [], run: "sleep 0.3"}
  - {name: left, depends_on: [plan], run: "sleep 1"}
  - {name: right, run: "sleep 1", parallel_with: left}
  - {name: docs, depends_on: [plan], when: {variables: {docs: true}}, run: echo docs}
  - {name: many, depends_on: [plan], foreach: [a, b, c], run: "sleep 0.5"}
  - {name: join, depends_on: [left, right, docs, many], run: echo done}
`;

export async function J4_the_graph_tells_the_truth(world) {
  await world.api('POST', '/api/pipelines', { definition: DIAMOND });
  const look = await world.owner();
  await world.api('POST', '/api/pipelines/diamond/run', {});
  await look.go('/runs/diamond/1');
  await look.page.getByRole('treeitem', { name: /^left, / }).waitFor();
  await look.page.locator('[data-run="diamond#1"][data-status=succeeded]').waitFor();
  const graph = await world.api('GET', '/api/runs/diamond~1/graph');
  equal(await look.page.locator('canvas[data-nodes]').getAttribute('data-nodes'), String(graph.nodes.length), 'stages in the graph');
  await look.page.getByRole('treeitem', { name: 'docs, Skipped' }).click();
  await look.page.getByRole('region', { name: 'Stage docs' }).getByText(/docs/).first().waitFor();
  const says = await look.page.locator('.panel .says').textContent();
  holds(/docs/.test(says), `the reason of the skip: ${says}`);
  await look.go('/runs/diamond/1?view=timeline');
  const spans = await look.page.$$eval('[data-stage] .tl-bar[data-attempt]', (bars) =>
    bars.filter((bar) => !bar.classList.contains('queued')).map((bar) => [bar.closest('[data-stage]').dataset.stage, parseFloat(bar.style.left), parseFloat(bar.style.width)]),
  );
  const of = (name) => spans.find(([stage]) => stage === name);
  const [left, right] = [of('left'), of('right')];
  holds(left[1] < right[1] + right[2] && right[1] < left[1] + left[2], `left and right overlap: ${spans}`);
  await look.close();
}

const FAILS = `name: fails
stages:
  - {name: plan, depends_on: [], run: echo plan}
  - name: scan
    depends_on: [plan]
    run: |
      for i in $(seq 1 400); do echo "line $i"; done
      printf '\\033[1;31merror\\033[0m: no theme\\n'
      test -f ok || exit 3
  - {name: report, depends_on: [scan], run: echo report}
`;

export async function J6_a_failure_shows_its_cause_and_is_tried_again(world) {
  const run = await world.run(FAILS);
  const look = await world.owner();
  await look.go('/runs/fails/1');
  const cause = look.page.getByRole('region', { name: 'Cause' });
  await cause.getByText('exit code 3').waitFor();
  await cause.getByText('error: no theme').waitFor();
  await cause.getByText('report').waitFor();
  await look.page.locator('[role=treeitem][data-stage=report][data-status=not_run]').waitFor();
  await look.accessible();
  await look.page.getByRole('treeitem', { name: /^scan, Failed/ }).click();
  await look.page.getByRole('button', { name: 'Retry from here' }).click();
  await look.page.getByRole('combobox', { name: 'Attempt' }).waitFor();
  await until(async () => (await world.api('GET', '/api/runs/fails~1')).status === 'failed', 'the second attempt');
  await look.page.getByRole('treeitem', { name: 'scan, Failed, attempt 2' }).waitFor();
  const attempts = look.page.getByRole('combobox', { name: 'Attempt' });
  await attempts.selectOption('1');
  await look.page.locator('[data-attempt="1"] [data-line="401"]').waitFor();
  holds(look.page.url().includes('attempt=1'), look.page.url());
  await attempts.selectOption('2');
  await look.page.locator('[data-attempt="2"] [data-line="401"]').waitFor();
  void run;
  await look.close();
}

export async function J8_a_log_is_read_searched_and_linked(world) {
  await world.run(`name: talk
stages:
  - name: talk
    run: |
      seq 1 20000 | sed 's/^/row /'
      printf '\\033[32mgreen\\033[0m and plain\\n'
      until [ -f go ]; do sleep 0.1; done
      seq 1 50 | sed 's/^/late /'
`);
  const look = await world.owner();
  await look.go('/runs/talk/1?stage=talk&tab=log');
  await look.page.locator('[data-line="20001"] .fg-2', { hasText: 'green' }).waitFor();
  const rows = await look.page.locator('[data-line]').count();
  holds(rows < 200, `${rows} rows on the page`);
  const search = look.page.getByRole('searchbox', { name: 'Search log' });
  await search.fill('row 1777');
  await search.press('Enter');
  await look.page.getByText('1 of 11').waitFor();
  await look.page.locator('[data-line="1777"].hit').waitFor();
  await search.press('Enter');
  await look.page.locator('[data-line="17770"].hit').waitFor();
  await look.go('/runs/talk/1?stage=talk&tab=log#L812');
  await look.page.locator('[data-line="812"].marked').waitFor();
  // Scrolled up: what comes later moves nothing, and says how much it is.
  const { directory } = await world.api('GET', '/api/runs/talk~1');
  const { writeFileSync } = await import('node:fs');
  writeFileSync(`${directory}/go`, '');
  await look.page.getByRole('button', { name: /new lines/ }).waitFor();
  await look.page.locator('[data-line="812"]').waitFor();
  await look.page.getByRole('button', { name: /new lines/ }).click();
  await look.page.locator('[data-line="20051"]', { hasText: 'late 50' }).waitFor();
  const [download] = await Promise.all([look.page.waitForEvent('download'), look.page.getByRole('link', { name: 'Raw' }).click()]);
  const { readFileSync } = await import('node:fs');
  const raw = readFileSync(await download.path(), 'utf8');
  equal(raw.split('\n').length - 1, 20_051, 'lines of the file');
  await look.close().catch((error) => {
    // A download is told by Chromium as a request that was broken off.
    const left = error.message.split('\n').filter((line) => !line.includes('download=true'));
    if (left.some((line) => line.trim() !== '')) throw error;
  });
}

export async function J15_pause_resume_and_cancel(world) {
  await world.run(`name: slow
stages:
  - {name: a, run: "sleep 1"}
  - {name: b, run: "sleep 60"}
`);
  const look = await world.owner();
  await look.go('/runs/slow/1');
  await look.page.getByRole('button', { name: 'Pause' }).click();
  await look.page.getByRole('button', { name: 'Resume' }).waitFor();
  await until(async () => (await world.api('GET', '/api/runs/slow~1')).status === 'paused', 'paused');
  await look.page.locator('[data-run="slow#1"][data-status=paused]').waitFor();
  await look.page.getByRole('button', { name: 'Resume' }).click();
  await look.page.locator('[role=treeitem][data-stage=b][data-status=running]').waitFor();
  await look.page.getByRole('button', { name: 'Cancel run' }).click();
  await look.page.getByLabel('Reason').fill('not needed');
  await look.page.getByRole('button', { name: 'Cancel the run' }).click();
  await look.page.locator('[data-run="slow#1"][data-status=cancelled]').waitFor();
  equal(await look.page.getByRole('button', { name: 'Pause' }).count(), 0, 'Pause of what is over');
  await look.page.getByRole('button', { name: 'Roll back' }).click();
  await look.page.getByRole('dialog').getByLabel('Back to the state after').waitFor();
  await look.page.keyboard.press('Escape');
  equal(await look.page.getByRole('dialog').count(), 0, 'dialogs after Esc');
  await look.close();
}

export async function J15b_a_run_goes_on_as_the_next_version_and_is_rolled_back(world) {
  await world.api('POST', '/api/pipelines', {
    definition: `name: release
inputs: {to: {type: string, default: eu}}
stages:
  - {name: build, depends_on: [], run: "echo built > built.txt", artifacts: {built: built.txt}}
  - {name: deploy, depends_on: [build], run: "echo live", rollback: "echo undone"}
  - {name: smoke, depends_on: [deploy], run: "exit 1"}
`,
  });
  await world.api('POST', '/api/pipelines/release/run', {});
  await until(async () => (await world.api('GET', '/api/runs/release~1')).status === 'failed', 'the end');
  const look = await world.owner();
  await look.go('/runs/release/1');
  await look.page.getByRole('button', { name: 'Roll back', exact: true }).click();
  const dialog = look.page.getByRole('dialog');
  await dialog.getByLabel('Back to the state after').selectOption('build');
  await dialog.getByRole('listitem').filter({ hasText: 'deploy' }).waitFor();
  await dialog.getByLabel('Reason').fill('smoke failed');
  await look.accessible();
  await dialog.getByRole('button', { name: 'Roll back to build' }).click();
  await look.page.locator('[data-run="release#1"][data-status=failed]').waitFor();
  await until(async () => (await world.api('GET', '/api/runs/release~1/undoings')).data.length > 0, 'the history');
  // What was undone, by whom, and how far it went.
  await look.page.getByText(/rollback to `?build`? by \S+: /).first().waitFor();
  await look.page.locator('[data-stage="deploy.rollback"][data-status=succeeded]').first().waitFor();
  await look.page.getByRole('button', { name: 'Extend', exact: true }).click();
  await look.page.getByRole('button', { name: 'Start the next run' }).click();
  await look.page.waitForURL(/\/runs\/release\/2/);
  await look.page.getByRole('link', { name: 'goes on from release#1' }).waitFor();
  await look.close();
}

const FULL = `name: full
stages:
  - {name: a, depends_on: [], run: "until [ -f go ]; do sleep 0.1; done"}
`;

export async function J17b_what_waits_for_room_is_told_until_there_is_some(world) {
  await world.stop();
  await world.serve('127.0.0.1:0', { slots: 1 });
  const first = await world.run(FULL);
  await until(async () => (await world.api('GET', '/api/runs/full~1')).stages[0].status === 'running', 'the first to run');
  await world.run('name: next\nstages:\n  - {name: b, depends_on: [], run: echo b}\n');
  await until(async () => (await world.api('GET', '/api/status')).slots.queued === 1, 'the second to wait');
  const look = await world.owner();
  await look.go('/fleet');
  const figure = (label) => look.page.locator('.figures > div').filter({ hasText: label }).locator('.value');
  await look.page.getByText('1 of 1').waitFor();
  equal(await figure('Queued stages').textContent(), '1', 'queued stages');
  await look.accessible();
  const { writeFileSync } = await import('node:fs');
  writeFileSync(`${(await world.api('GET', `/api/runs/${first.id}`)).directory}/go`, '');
  await look.page.getByText('0 of 1').waitFor();
  equal(await figure('Queued stages').textContent(), '0', 'queued stages when there is room');
  await look.close();
}

export async function J17c_a_stage_whose_server_was_killed_is_told_and_goes_on(world) {
  const run = await world.run(FULL);
  await until(async () => (await world.api('GET', '/api/runs/full~1')).stages[0].status === 'running', 'the run');
  const look = await world.owner();
  await look.go('/runs/full/1');
  await look.page.locator('[role=treeitem][data-stage=a][data-status=running]').waitFor();
  const address = new URL(world.base).host;
  await world.kill();
  await look.page.locator('body[data-live=reconnecting], body[data-live=offline]').waitFor();
  await look.page.getByRole('alert').getByText(/Reconnecting/).waitFor();
  await world.serve(address);
  await look.live();
  const { writeFileSync } = await import('node:fs');
  writeFileSync(`${(await world.api('GET', `/api/runs/${run.id}`)).directory}/go`, '');
  await look.page.locator('[data-run="full#1"][data-status=succeeded]').waitFor();
  await look.close().catch((error) => {
    // While there is no server, there is none.
    const left = error.message.split('\n').filter((line) => !/stream|ERR_CONNECTION/.test(line));
    if (left.some((line) => line.trim() !== '')) throw error;
  });
}

export async function J16_the_run_as_it_was(world) {
  await world.run(FAILS);
  await until(async () => (await world.api('GET', '/api/runs/fails~1')).status === 'failed', 'the end');
  const look = await world.owner();
  await look.go('/runs/fails/1?tab=events');
  await look.page.locator('[data-seq="1"]', { hasText: 'run.created' }).waitFor();
  const then = await world.api('GET', '/api/runs/fails~1?at=6');
  await look.go('/runs/fails/1?tab=events&at=6');
  await look.page.getByText('State after event 6').waitFor();
  await look.page.locator('[data-run="fails#1"][data-seq="6"]').waitFor();
  const shown = await look.page.$$eval('[role=treeitem]', (items) => items.map((item) => [item.dataset.stage, item.dataset.status]));
  equal(shown, then.stages.map((stage) => [stage.name, stage.status]), 'stages after event 6');
  await look.page.getByRole('button', { name: 'Back to now' }).click();
  await look.page.locator('[data-run="fails#1"][data-status=failed]').waitFor();
  await look.close();
}

export async function J19_two_runs_compared(world) {
  const one = `name: pair
inputs: {who: {type: string, default: ana}}
stages:
  - {name: a, run: "exit 0"}
  - name: b
    env: {WHO: "\${who}"}
    run: test "$WHO" = ana
`;
  await world.run(one);
  await world.run(one, { who: 'bo' });
  await until(async () => (await world.api('GET', '/api/runs/pair~2')).status === 'failed', 'the second run');
  const look = await world.owner();
  await look.go('/compare?a=pair%231&b=pair%232');
  await look.page.getByRole('cell', { name: 'who' }).waitFor();
  await look.page.locator('tr[data-stage=b]').waitFor();
  equal(await look.page.locator('tr[data-stage=a]').count(), 0, 'stages that went alike');
  await look.page.getByLabel('differences only').uncheck();
  await look.page.locator('tr[data-stage=a]').waitFor();
  await look.accessible();
  await look.close();
}

const MANY = 10_000;

/** By a press on a column, in the address, by keys, in a view that is kept, and on the way back. */
async function sorted(look) {
  const { page } = look;
  const head = (name) => page.getByRole('columnheader', { name });
  const first = () => page.locator('tbody tr').first().getAttribute('data-run');
  await until(async () => (await first()) === `tick#${MANY}`, 'the newest first');
  await head('Began').getByRole('button').click();
  await until(async () => (await first()) === 'tick#1', 'the oldest first');
  equal(await head('Began').getAttribute('aria-sort'), 'ascending', 'how it is sorted');
  holds(page.url().includes('sort=created'), page.url());
  // Page by page, in the same order, each run once.
  await page.getByRole('button', { name: 'Show more' }).click();
  await page.locator('tr[data-run="tick#150"]').waitFor();
  const names = await page.$$eval('tbody tr', (all) => all.map((row) => Number(row.dataset.run.split('#')[1])));
  equal(names, Array.from({ length: 200 }, (_, at) => at + 1), 'runs in their order');
  // By keys.
  await head('Took').getByRole('button').focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/sort=-duration/);
  equal(await head('Took').getAttribute('aria-sort'), 'descending', 'the longest first');
  equal(await head('Began').getAttribute('aria-sort'), null, 'the column of before');
  await look.accessible();
  // Kept as a view.
  const views = page.getByRole('group', { name: 'Saved views' });
  await page.getByRole('button', { name: 'Save view' }).click();
  await views.getByRole('button', { name: 'All' }).click();
  await until(async () => (await first()) === `tick#${MANY}`, 'the usual order');
  holds(!page.url().includes('sort='), page.url());
  await views.getByRole('button', { name: 'sort:-duration' }).click();
  await page.waitForURL(/sort=-duration/);
  await page.reload();
  await look.live();
  await until(async () => (await head('Took').getAttribute('aria-sort')) === 'descending', 'the order after a reload');
  // And on the way back.
  await page.locator('tbody tr').first().getByRole('link').first().click();
  await page.waitForURL(/\/runs\/tick\//);
  await page.goBack();
  await until(async () => (await head('Took').getAttribute('aria-sort')) === 'descending', 'the order on the way back');
  await page.getByRole('button', { name: 'Forget view' }).click();
  await views.getByRole('button', { name: 'All' }).click();
  await until(async () => (await first()) === `tick#${MANY}`, 'the newest first again');
}

export async function J25_many_runs_in_a_list(world) {
  await world.api('POST', '/api/pipelines', { definition: 'name: tick\nstages: [{name: a, noop: true}]\n' });
  const start = async () => {
    for (let at = 0; at < MANY / 8; at += 1) await world.api('POST', '/api/pipelines/tick/run', {});
  };
  await Promise.all(Array.from({ length: 8 }, start));
  const newest = `tr[data-run="tick#${MANY}"]`;
  const look = await world.owner();
  await look.go('/runs');
  await look.page.locator(newest).waitFor();
  await look.page.getByRole('button', { name: 'Show more' }).click();
  await look.page.locator(`tr[data-run="tick#${MANY - 119}"]`).waitFor();
  await look.page.getByLabel('Filter runs').fill('status:failed');
  await look.page.getByText('No run fits the filter').waitFor();
  holds(look.page.url().includes('q=status%3Afailed'), look.page.url());
  await look.page.getByRole('button', { name: 'Clear' }).first().click();
  await look.page.locator(newest).waitFor();
  // A filter that is kept is there after a reload, and goes when it is forgotten.
  const views = look.page.getByRole('group', { name: 'Saved views' });
  await look.page.getByLabel('Filter runs').fill('by:nobody');
  await look.page.getByRole('button', { name: 'Save view' }).click();
  await look.page.reload();
  await look.live();
  await views.getByRole('button', { name: 'All' }).click();
  await look.page.locator(newest).waitFor();
  await views.getByRole('button', { name: 'by:nobody' }).click();
  await look.page.getByText('No run fits the filter').waitFor();
  await look.accessible();
  await look.page.getByRole('button', { name: 'Forget view' }).click();
  equal(await views.getByRole('button', { name: 'by:nobody' }).count(), 0, 'views that were forgotten');
  await views.getByRole('button', { name: 'All' }).click();
  await look.page.locator(newest).waitFor();
  await sorted(look);
  // Whoever comes back stands where they stood.
  const there = look.page.locator(`tr[data-run="tick#${MANY - 60}"]`);
  await there.scrollIntoViewIfNeeded();
  const before = await look.page.evaluate(() => scrollY);
  holds(before > 500, `scrolled to ${before}`);
  await there.getByRole('link').first().click();
  await look.page.getByRole('heading', { name: `tick#${MANY - 60}` }).waitFor();
  await look.page.goBack();
  await there.waitFor();
  await until(async () => Math.abs((await look.page.evaluate(() => scrollY)) - before) < 40, 'the place in the list');
  await look.close();
}
