// Without a mouse.
import { equal, holds, until } from '../world.mjs';

const TWO = `name: keyed
stages:
  - {name: first, depends_on: [], run: "printf 'one\\ntwo\\nneedle\\nfour\\nneedle\\n'"}
  - name: second
    depends_on: [first]
    run: exit 3
    retry: {max_attempts: 2, backoff: {kind: constant, initial: 10ms}}
  - {name: third, depends_on: [second], run: echo third}
`;

export async function J22_everything_by_keys(world) {
  await world.api('POST', '/api/pipelines', { definition: TWO });
  await world.api('POST', '/api/pipelines/keyed/run', {});
  await world.run('name: gate\nstages:\n  - {name: ship, depends_on: [], requires_approval: true, run: echo shipped}\n');
  await until(async () => (await world.api('GET', '/api/runs/keyed~1')).status === 'failed', 'the end');
  await until(async () => (await world.api('GET', '/api/approvals?status=pending')).data.length === 1, 'the gate');
  const look = await world.owner();
  const { page } = look;
  const keys = async (...names) => {
    for (const name of names) await page.keyboard.press(name);
  };
  const at = (path) => page.waitForURL((url) => url.pathname + url.search === path);
  const tried = new Set();
  const key = async (id, ...names) => {
    tried.add(id);
    await keys(...names);
  };
  const useful = () => page.waitForFunction(() => performance.getEntriesByName('orc:useful').length > 0);
  await look.go('/');
  for (const [id, second, path] of [['go.inbox', 'i', '/inbox'], ['go.tasks', 't', '/tasks'], ['go.pipelines', 'p', '/pipelines'], ['go.fleet', 'f', '/fleet'], ['go.metrics', 'm', '/metrics'], ['go.audit', 'a', '/audit'], ['go.now', 'n', '/'], ['go.runs', 'r', '/runs']]) {
    await key(id, 'g', second);
    await at(path);
  }
  // A list: down, up, into a filter and out of it, open.
  await page.locator('tr[data-run="keyed#1"]').waitFor();
  const row = () => page.evaluate(() => document.activeElement?.closest('[data-run]')?.dataset.run);
  await key('list.next', 'j');
  const first = await row();
  await keys('j');
  holds((await row()) !== first, `${await row()} after j`);
  await key('list.last', 'k');
  equal(await row(), first, 'the row after k');
  await key('filter', '/');
  await page.keyboard.type('g i j x');
  equal(await page.getByLabel('Filter runs').inputValue(), 'g i j x', 'what was typed into the filter');
  holds(page.url().includes('/runs'), 'letters in a field go nowhere');
  await page.getByLabel('Filter runs').fill('keyed');
  await key('back', 'Escape');
  await page.locator('tr[data-run="gate#1"]').waitFor({ state: 'detached' });
  await keys('j');
  await key('list.open', 'Enter');
  await at('/runs/keyed/1');
  await useful();
  // A run: views, stages, attempts, tabs.
  await page.getByRole('tree', { name: 'Stages' }).waitFor();
  for (const [id, name, query] of [['run.timeline', '2', '?view=timeline'], ['run.table', '3', '?view=table'], ['run.graph', '1', '']]) {
    await key(id, name);
    await at(`/runs/keyed/1${query}`);
  }
  await key('run.failure', 'f');
  await page.getByRole('region', { name: 'Stage second' }).waitFor();
  const attempts = page.getByRole('combobox', { name: 'Attempt' });
  await key('run.attempt.last', '{');
  await until(async () => (await attempts.inputValue()) === '1', 'the first attempt');
  await key('run.attempt.next', '}');
  await until(async () => (await attempts.inputValue()) === '2', 'the second attempt');
  await key('run.stage.last', '[');
  await page.getByRole('region', { name: 'Stage first' }).waitFor();
  await key('run.stage.next', ']');
  await page.getByRole('region', { name: 'Stage second' }).waitFor();
  await key('run.events', 'e');
  await page.locator('[data-seq]').first().waitFor();
  await keys('[');
  await key('run.log', 'l');
  await page.locator('[data-line="5"]').waitFor();
  // The log: search, from hit to hit.
  await key('log.search', '/');
  await page.keyboard.type('needle');
  await keys('Enter');
  await page.getByText('1 of 2', { exact: true }).waitFor();
  await keys('Escape');
  await key('log.next', 'n');
  await page.getByText('2 of 2', { exact: true }).waitFor();
  await key('log.last', 'N');
  await page.getByText('1 of 2', { exact: true }).waitFor();
  await key('log.wrap', 'w');
  await page.locator('.log-box.wraps').waitFor();
  await key('log.end', 'G');
  await key('log.begin', 'g', 'g');
  await key('log.times', 't');
  await page.locator('[data-line="1"] time').waitFor();
  await key('log.fold', 'z');
  await key('run.actions', '.');
  equal(await page.evaluate(() => document.activeElement?.textContent), 'Retry', 'the first thing to do');
  await keys('Escape', 'Escape');
  await page.getByRole('region', { name: /^Stage / }).waitFor({ state: 'detached' });
  // The palette: finds, goes, does, and gives the focus back.
  await page.getByRole('treeitem').first().focus();
  await key('palette', 'Control+k');
  const input = page.getByRole('combobox', { name: 'Go to or do' });
  await input.waitFor();
  await look.accessible();
  await keys('Escape');
  await input.waitFor({ state: 'detached' });
  equal(await page.evaluate(() => document.activeElement?.getAttribute('role')), 'treeitem', 'what has the focus after Esc');
  await keys('Control+k');
  await input.fill('>extend');
  await page.getByRole('option', { name: 'Extend: keyed#1' }).waitFor();
  await keys('Enter');
  await page.getByRole('dialog', { name: 'Extend keyed#1' }).waitFor();
  await keys('Escape');
  await keys('Control+k');
  await input.fill('#gate');
  await page.getByRole('option', { name: /gate#1/ }).waitFor();
  await keys('Enter');
  await at('/runs/gate/1');
  await key('help', '?');
  const help = page.getByRole('dialog', { name: 'Keys' });
  await help.waitFor();
  await look.accessible();
  const all = await help.locator('[data-shortcut]').evaluateAll((rows) => rows.map((one) => one.dataset.shortcut));
  await keys('Escape');
  // The inbox: peek, select, and the confirmation of each decision. No key decides.
  await keys('g', 'i');
  await page.locator('li[data-id]').waitFor();
  await keys('j');
  await key('list.peek', 'Space');
  await page.getByRole('dialog').getByText('echo shipped').waitFor();
  await keys('Escape');
  await page.locator('.pick:enabled').waitFor();
  await key('list.select', 'x');
  await page.getByText('1 selected').waitFor();
  await keys('a');
  await page.getByRole('dialog', { name: 'Approve 1' }).waitFor();
  // The row has the keys again in the very moment in which the dialog goes: no key between is lost.
  await page.evaluate(() => {
    const gone = new MutationObserver((changes) => {
      if (changes.some((change) => [...change.removedNodes].some((node) => node.nodeName === 'DIALOG'))) window.focusAfter = document.activeElement?.closest('li')?.dataset.id ?? document.activeElement?.nodeName;
    });
    gone.observe(document.body, { childList: true, subtree: true });
  });
  const id = await page.locator('li[data-id]').getAttribute('data-id');
  await keys('Escape');
  await until(() => page.evaluate(() => window.focusAfter !== undefined), 'the dialog to go');
  equal(await page.evaluate(() => window.focusAfter), id, 'what has the focus when the dialog has gone');
  // A box to tick is ticked by its own key, and opens its row with the other.
  await page.locator('.pick').focus();
  await keys('Space');
  await page.getByText('1 selected').waitFor({ state: 'detached' });
  await keys('Enter');
  await page.waitForURL(/\/inbox\/A-/);
  await page.getByRole('heading', { name: 'Evidence' }).waitFor();
  for (const [id, name, title] of [['approval.changes', 'r', 'Request changes'], ['approval.reject', 'x', 'Reject'], ['approval.delegate', 'd', 'Delegate']]) {
    await key(id, name);
    await page.getByRole('dialog', { name: `${title}: ship` }).waitFor();
    equal(await page.evaluate(() => document.activeElement?.id), 'ask', `the field after ${name}`);
    await keys('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }
  await key('approval.approve', 'a');
  equal(await page.evaluate(() => document.activeElement?.tagName), 'TEXTAREA', 'the comment has the focus');
  equal((await world.api('GET', '/api/approvals?status=pending')).data.length, 1, 'nothing was decided by a key');
  equal(all.filter((id) => !tried.has(id)), [], 'keys of the table that were not tried');
  await look.close();
}
