// Where pipelines are written.
import { equal, holds, until } from '../world.mjs';

const GOOD = `name: ship
stages:
  - {name: build, run: echo build}
  - name: deploy-staging
    run: echo deploy
  - name: smoke
    depends_on: [deploy-staging]
    run: echo smoke
`;

/** The whole text of the field, as somebody would see it by scrolling. */
const textOf = (area) => area.evaluate((field) => (field.cmTile ?? field.cmView).view.state.doc.toString());

export async function J5_a_mistake_is_found_where_it_is_and_mended(world) {
  await world.api('POST', '/api/pipelines', { definition: GOOD });
  const look = await world.owner();
  await look.go('/pipelines/ship/edit');
  const area = look.page.getByRole('textbox', { name: 'Definition' });
  await area.waitFor();
  equal(await textOf(area), GOOD, 'the text that is opened');
  const bad = GOOD.replace('[deploy-staging]', '[deploy-stagin]');
  await look.page.locator('canvas[data-nodes="3"]').waitFor();
  await area.fill(bad);
  const found = look.page.getByRole('list', { name: 'Diagnostics' });
  await found.getByText('E0201').waitFor();
  const wanted = (await world.api('POST', '/api/validate', { definition: bad })).diagnostics[0];
  const { line, col } = wanted.spans[0].start;
  await found.getByText(`${line}:${col}`).waitFor();
  await found.getByText(wanted.message).first().waitFor();
  await found.getByText(wanted.help).first().waitFor();
  // Marked at the very word.
  equal(await look.page.locator('.cm-lintRange-error').textContent(), 'deploy-stagin', 'what is marked');
  await look.page.getByText('from the last valid version').waitFor();
  equal(await look.page.locator('canvas[data-nodes]').getAttribute('data-nodes'), '3', 'stages in the graph of the last valid version');
  const save = look.page.getByRole('button', { name: 'Save' });
  equal(await save.getAttribute('aria-disabled'), 'true', 'Save with errors');
  await look.accessible();
  await look.page.reload();
  await look.live();
  await area.waitFor();
  equal(await textOf(area), bad, 'the draft after a reload');
  await look.page.getByRole('button', { name: 'Fix: deploy-staging' }).click();
  equal(await textOf(area), GOOD, 'the text after the fix');
  const mine = GOOD.replace('echo smoke', 'echo smoke test');
  await area.fill(mine);
  await look.page.getByText('It is valid.').waitFor();
  // Another tab of the same browser writes on the same draft.
  const tab = await look.context.newPage();
  await tab.goto(`${world.base}/pipelines/ship/edit`);
  const there = tab.getByRole('textbox', { name: 'Definition' });
  await there.waitFor();
  equal(await textOf(there), mine, 'the draft in a second tab');
  await there.fill(`${mine}# written there\n`);
  await until(async () => (await textOf(area)).endsWith('# written there\n'), 'what another tab wrote');
  await tab.close();
  await area.fill(mine);
  // Fast fingers: every key arrives, in its place.
  await area.press('Control+End');
  await look.page.keyboard.type('  - name: last\nru');
  await look.page.locator('.cm-tooltip-autocomplete').getByText('run', { exact: true }).click();
  await look.page.keyboard.type('echo last');
  equal(await textOf(area), `${mine}  - name: last\n    run: echo last`, 'what was typed, with a proposal taken');
  await area.fill(mine);
  // Somebody else saves first: it is said at once, and nothing is lost.
  await world.api('PUT', '/api/pipelines/ship', { definition: GOOD.replace('echo build', 'echo built') });
  await look.page.getByText('Somebody saved r2 meanwhile').waitFor();
  await save.click();
  const dialog = look.page.getByRole('dialog');
  await dialog.getByText('echo built').first().waitFor();
  await look.accessible();
  await dialog.getByRole('button', { name: 'Take both together' }).click();
  equal(await textOf(area), mine.replace('echo build', 'echo built'), 'both changes together');
  await look.page.getByText('It is valid.').waitFor();
  await save.click();
  await look.page.waitForURL(/\/pipelines\/ship\/definition/);
  equal((await world.api('GET', '/api/pipelines/ship')).revision, 3, 'the revision');
  await look.page.getByRole('button', { name: 'Compare' }).first().click();
  await look.page.locator('.diff .plus', { hasText: 'echo smoke test' }).waitFor();
  await look.close().catch((error) => {
    // The conflict is an answer that Chromium writes down as an error.
    const left = error.message.split('\n').filter((line) => !line.includes('412'));
    if (left.some((line) => line.trim() !== '')) throw error;
  });
}

export async function J5_stages_are_built_by_form_arrows_keys_and_dragging(world) {
  const begun = `# Notes stay.
name: built
stages:
  - name: build # first
    run: echo build
  - name: test
    run: echo test
  - name: ship
    run: echo ship
`;
  await world.api('POST', '/api/pipelines', { definition: begun });
  const look = await world.owner();
  await look.go('/pipelines/built/edit?view=split');
  const area = look.page.getByRole('textbox', { name: 'Definition' });
  const list = look.page.getByRole('list', { name: 'Stages in order' });
  await list.getByRole('button', { name: 'ship', exact: true }).waitFor();
  const order = () => list.locator('> li').evaluateAll((rows) => rows.map((row) => row.dataset.item));
  const becomes = (wanted, what) => until(async () => JSON.stringify(await order()) === JSON.stringify(wanted), what);
  await look.accessible();
  // Arrows.
  await look.page.getByRole('button', { name: 'Move ship up' }).click();
  await becomes(['build', 'ship', 'test'], 'moved by its arrow');
  equal(await look.page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Move ship up', 'what has the focus after the move');
  // Keys.
  await look.page.keyboard.press('Alt+ArrowUp');
  await becomes(['ship', 'build', 'test'], 'moved by keys');
  // The pointer.
  await list.locator('[data-item=ship]').dragTo(list.locator('[data-item=test]'));
  await becomes(['build', 'test', 'ship'], 'moved by dragging');
  equal(await textOf(area), begun, 'the text, when all is back in its order');
  // A stage that asks people, with a form of its own.
  await look.page.getByLabel('New stage').selectOption('form');
  await look.page.getByRole('button', { name: 'Add stage' }).click();
  const stage = look.page.getByRole('region', { name: 'Stage form' });
  await stage.getByLabel('Name', { exact: true }).first().fill('release-notes');
  await stage.getByLabel('Name', { exact: true }).first().press('Enter');
  const notes = look.page.getByRole('region', { name: 'Stage release-notes' });
  await notes.getByRole('button', { name: 'Add a field' }).click();
  const fields = notes.getByRole('list', { name: 'Fields' });
  await fields.getByRole('button', { name: 'field', exact: true }).click();
  await fields.getByLabel('Name', { exact: true }).fill('version');
  await fields.getByLabel('Name', { exact: true }).press('Enter');
  await fields.getByLabel('Kind').selectOption('number');
  await fields.getByLabel('has to be answered').check();
  await fields.getByRole('button', { name: 'Move version up' }).click();
  await notes.getByLabel('of its result').check();
  await look.accessible();
  await look.page.locator('canvas[data-nodes="4"]').waitFor();
  await look.page.getByText('It is valid.').waitFor();
  const wanted = `${begun}  - name: release-notes
    form:
      instructions: What is to be known?
      fields:
        version: {type: number, required: true}
        answer: text
    approve_complete: true
`;
  equal(await textOf(area), wanted, 'what the form wrote');
  // Deleted with a word about it, and back again.
  await look.page.getByRole('button', { name: 'Delete test' }).click();
  const dialog = look.page.getByRole('dialog');
  await dialog.getByText('No other stage names it.').waitFor();
  await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
  await becomes(['build', 'ship', 'release-notes'], 'without the deleted stage');
  await look.page.getByRole('button', { name: 'Undo' }).click();
  await becomes(['build', 'test', 'ship', 'release-notes'], 'with it again');
  await look.page.getByRole('button', { name: 'Form', exact: true }).click();
  holds(look.page.url().includes('view=form'), look.page.url());
  await look.accessible();
  await look.page.getByRole('button', { name: 'Save' }).click();
  await look.page.waitForURL(/\/pipelines\/built\/definition/);
  equal((await world.api('GET', '/api/pipelines/built')).definition, wanted, 'what is saved');
  await look.close();
}

export async function J20_templates_run_as_they_are(world) {
  const look = await world.owner();
  // Each ends as its first lines say, with nothing set up: what goes to production, and what somebody tries first, asks a person.
  const ends = { cascade: 'succeeded', cd: 'waiting', ci: 'succeeded', 'council-review': 'succeeded', feature: 'succeeded', first: 'waiting', hello: 'succeeded', release: 'succeeded', security: 'succeeded', taskdaemon: 'succeeded' };
  await look.go('/templates');
  const names = await look.page.locator('[data-template] > strong').allTextContents();
  equal(names[0], 'first', 'what somebody should see first');
  equal([...names].sort(), Object.keys(ends).sort(), 'the templates');
  for (const name of names) {
    await look.go(`/templates?show=${name}`);
    await look.page.getByLabel('Definition').waitFor();
    const row = look.page.locator(`[data-template="${name}"]`);
    // As it would look, before it is used.
    await row.locator('canvas[data-nodes]').waitFor();
    await row.getByRole('button', { name: 'Run' }).click();
    // Two of them are pipelines of the same name.
    const pipeline = name === 'first' ? 'feature' : name;
    await look.page.waitForURL(new RegExp(`/runs/${pipeline}/\\d+`));
    const number = /\/(\d+)/.exec(new URL(look.page.url()).pathname)[1];
    await until(async () => (await world.api('GET', `/api/runs/${pipeline}~${number}`)).status === ends[name], name, 120_000);
    await look.page.locator(`[data-run="${pipeline}#${number}"][data-status=${ends[name]}]`).waitFor();
  }
  await look.go('/templates');
  await look.page.getByRole('link', { name: 'Use' }).first().click();
  await look.page.getByText('It is valid.').waitFor();
  holds((await textOf(look.page.getByRole('textbox', { name: 'Definition' }))).includes('stages:'), 'the text of the template');
  await look.close();
}
