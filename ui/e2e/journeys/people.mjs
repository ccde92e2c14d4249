// Where people decide.
import { createHash } from 'node:crypto';
import { equal, holds, until } from '../world.mjs';

const GATE = `name: gate
stages:
  - name: build
    run: |
      mkdir -p out
      printf '# Report\\n\\nAll **42** tests passed.\\n' > out/report.md
    artifacts: {report: out/report.md}
  - name: ship
    context: ["@build"]
    requires_approval: {approvers: [ana, bo], quorum: all, timeout: 1h, on_timeout: reject, instructions: Ship it?}
    run: echo shipped
`;

const open = (world, kind) => until(async () => (await world.api('GET', `/api/${kind}?status=${kind === 'inputs' ? 'open' : 'pending'}`)).data[0], `an open one of ${kind}`);

export async function J9_two_people_approve(world) {
  const [ana, bo] = [await world.user('ana'), await world.user('bo')];
  await world.run(GATE);
  const gate = await open(world, 'approvals');
  await ana.go(`/inbox/${gate.id}`);
  await bo.go(`/inbox/${gate.id}`);
  await ana.page.getByRole('heading', { name: 'Evidence' }).waitFor();
  // What would be done stands as one would type it, and what it builds on can be read here.
  equal(await ana.page.getByLabel('Commands it would run').textContent(), 'echo shipped', 'the commands');
  holds(!/[{}[\]]/.test(await ana.page.getByRole('region', { name: 'Evidence' }).textContent()), 'JSON in the evidence');
  await ana.page.getByText('All 42 tests passed.').waitFor();
  await ana.page.locator('[data-stage=build][data-status=succeeded]').first().waitFor();
  await ana.accessible();
  await ana.page.getByLabel('Comment').fill('looks good');
  await ana.page.getByRole('button', { name: 'Approve', exact: true }).click();
  // The other screen hears of it by itself.
  await bo.page.getByText('1 of 2').waitFor();
  await bo.page.getByText('"looks good"').first().waitFor();
  equal((await world.api('GET', '/api/runs/gate~1')).status, 'waiting', 'the run after one vote');
  await bo.page.getByLabel('Comment').fill('me too');
  await bo.page.getByRole('button', { name: 'Approve', exact: true }).click();
  await bo.page.locator('[data-id][data-status=approved]').waitFor();
  await until(async () => (await world.api('GET', '/api/runs/gate~1')).status === 'succeeded', 'the run after two votes');
  const says = (await world.api('GET', '/api/audit?run=gate~1')).data.map((one) => one.says).join('\n');
  holds(says.includes('looks good') && says.includes('me too'), says);
  await ana.close();
  await bo.close();
}

export async function J9b_several_are_approved_at_once_and_taken_back(world) {
  const ana = await world.user('ana');
  for (let at = 0; at < 3; at += 1) await world.run(`name: many\nstages:\n  - name: ship\n    depends_on: []\n    requires_approval: {approvers: [ana]}\n    run: echo ${at}\n`);
  const waits = async () => (await world.api('GET', '/api/approvals?status=pending')).data.length;
  await until(async () => (await waits()) === 3, 'three to wait');
  await ana.go('/inbox');
  for (const at of [1, 2, 3]) await ana.page.getByLabel(`Select ship of many#${at}`).check();
  await ana.accessible();
  await ana.page.getByRole('button', { name: 'Approve selected' }).click();
  const dialog = ana.page.getByRole('dialog');
  await dialog.getByText('echo 2').waitFor();
  await dialog.getByLabel('many#3').uncheck();
  await dialog.getByLabel('Comment on each').fill('all of them');
  await ana.accessible();
  await dialog.getByRole('button', { name: 'Approve 2' }).click();
  await ana.page.getByRole('button', { name: 'Undo' }).click();
  await ana.page.getByText('Nothing was sent.').waitFor();
  equal(await waits(), 3, 'what waits after the undo');
  await ana.page.getByRole('button', { name: 'Approve selected' }).click();
  await dialog.getByText('echo 0').waitFor();
  await dialog.getByRole('button', { name: 'Approve 3' }).click();
  equal(await waits(), 3, 'what waits while it can be taken back');
  await ana.page.getByText('Nothing waits for anybody.').waitFor();
  equal(await waits(), 0, 'what waits at last');
  await ana.close();
}

export async function J10_rejecting_needs_a_reason_and_seats_are_given_on(world) {
  const [ana, bo] = [await world.user('ana'), await world.user('bo')];
  await world.user('kim').then((look) => look.close());
  await world.run(GATE);
  const gate = await open(world, 'approvals');
  await bo.go(`/inbox/${gate.id}`);
  await bo.page.getByRole('button', { name: 'Delegate', exact: true }).click();
  await bo.page.getByLabel('To whom').fill('kim');
  await bo.page.getByRole('dialog').getByRole('button', { name: 'Delegate' }).click();
  await bo.page.getByText('bo delegated to kim').waitFor();
  await ana.go(`/inbox/${gate.id}`);
  await ana.page.getByRole('button', { name: 'Reject', exact: true }).click();
  const dialog = ana.page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Reject' }).click();
  await dialog.getByText('a reason is needed').waitFor();
  await dialog.getByLabel('Reason').fill('not on a Friday');
  await dialog.getByRole('button', { name: 'Reject' }).click();
  await ana.page.locator('[data-id][data-status=rejected]').waitFor();
  await until(async () => (await world.api('GET', '/api/runs/gate~1')).status === 'failed', 'the run');
  await ana.go('/runs/gate/1');
  await ana.page.getByRole('region', { name: 'Cause' }).getByText(/not on a Friday|reject/).first().waitFor();
  await ana.close();
  await bo.close();
}

export async function J10b_changes_are_asked_for_up_to_the_limit_and_deadlines_decide(world) {
  await world.run(`name: draft
stages:
  - name: write
    depends_on: []
    max_revisions: 1
    approve_complete: {approvers: [ana], timeout: 1h}
    run: |
      { echo first; cat "$ORCHESTRATE_FEEDBACK" 2>/dev/null || true; } > note.txt
    artifacts: {note: note.txt}
`);
  const ana = await world.user('ana');
  const first = await open(world, 'approvals');
  await ana.go(`/inbox/${first.id}`);
  await ana.page.getByLabel('note.txt').or(ana.page.getByText('first')).first().waitFor();
  await ana.page.getByRole('button', { name: 'Request changes' }).click();
  const dialog = ana.page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Request changes' }).click();
  await dialog.getByText('a reason is needed').waitFor();
  await dialog.getByLabel('What should change').fill('say that it is beta');
  await dialog.getByRole('button', { name: 'Request changes' }).click();
  await ana.page.locator('[data-id][data-status=changes_requested]').waitFor();
  const second = await until(async () => (await world.api('GET', '/api/approvals?status=pending')).data.find((one) => one.id !== first.id), 'the revision');
  await ana.go(`/inbox/${second.id}`);
  await ana.page.getByText('say that it is beta').first().waitFor();
  // Once more than may be: the run ends with what was wanted.
  await ana.page.getByRole('button', { name: 'Request changes' }).click();
  await dialog.getByLabel('What should change').fill('once more');
  await dialog.getByRole('button', { name: 'Request changes' }).click();
  await until(async () => (await world.api('GET', '/api/runs/draft~1')).status === 'failed', 'the end');
  await ana.go('/runs/draft/1');
  await ana.page.getByRole('region', { name: 'Cause' }).getByText('changes were requested more than 1 times').waitFor();
  // Nobody decides: the deadline does, and it is told who did.
  await world.run('name: late\nstages:\n  - name: ship\n    depends_on: []\n    requires_approval: {approvers: [ana], timeout: 2s, on_timeout: reject}\n    run: echo x\n');
  const late = await open(world, 'approvals');
  await ana.go(`/inbox/${late.id}`);
  await ana.page.locator('[data-id][data-status=timed_out]').waitFor();
  await ana.page.getByText(/automatically: nobody decided in time/).waitFor();
  await ana.accessible();
  await ana.close();
}

const TWENTY_MB = Buffer.alloc(20_000_000, 'a line of a log\n');

export async function J11_a_form_keeps_what_was_typed(world) {
  await world.run(`name: notes
stages:
  - name: ask
    human:
      instructions: "## What is released?"
      fields:
        version: {type: text, required: true, pattern: '[0-9]+\\.[0-9]+', help: As in 1.4}
        count: {type: number}
        breaking: {type: boolean, default: false}
        log: {type: file}
        words: {type: multiline_text}
    env: {VERSION: "\${form.version}"}
    run: echo "version=$VERSION" >> "$ORCHESTRATE_OUTPUT"
    outputs: {version: string}
`);
  const form = await open(world, 'inputs');
  const look = await world.owner();
  await look.go(`/inbox/${form.id}`);
  await look.page.getByLabel('words').fill('half of it');
  await look.page.getByLabel('count').fill('7');
  await look.page.getByText('draft saved on the server').waitFor();
  await look.page.reload();
  await look.live();
  equal(await look.page.getByLabel('words').inputValue(), 'half of it', 'words after the reload');
  equal(await look.page.getByLabel('count').inputValue(), '7', 'count after the reload');
  await look.accessible();
  await look.page.getByRole('button', { name: 'Submit' }).click();
  await look.page.getByText('this is needed').waitFor();
  equal(await look.page.evaluate(() => document.activeElement.name), 'version', 'the field with the focus');
  await look.page.locator('input[type=file]').setInputFiles({ name: 'build.log', mimeType: 'text/plain', buffer: TWENTY_MB });
  await look.page.getByRole('button', { name: 'Remove' }).waitFor();
  await look.page.getByLabel('version').fill('1.4');
  await look.page.getByLabel('breaking').check();
  await look.page.getByRole('button', { name: 'Submit' }).click();
  await look.page.locator('[data-id][data-status=submitted]').waitFor();
  await until(async () => (await world.api('GET', '/api/runs/notes~1')).status === 'succeeded', 'the run');
  const run = await world.api('GET', '/api/runs/notes~1');
  equal(run.stages[0].outputs.version, '1.4', 'what the stage got');
  const [log] = (await world.api('GET', '/api/artifacts?run=notes~1')).data;
  equal(log.digest, createHash('sha256').update(TWENTY_MB).digest('hex'), 'the digest of the file');
  await look.close();
}

const SLOW = `name: slow
stages: [{name: work, run: "until [ -f go ]; do sleep 0.1; done"}]
`;

export async function J13_a_task_and_its_runs(world) {
  await world.api('POST', '/api/pipelines', { definition: 'name: quick\nstages: [{name: a, run: echo done}]\n' });
  await world.api('POST', '/api/pipelines', { definition: SLOW });
  await world.api('POST', '/api/tasks', { id: 'TASK-7', title: 'Add dark mode', pipeline: 'quick' });
  const ended = (name) => until(async () => ['succeeded', 'failed', 'cancelled'].includes((await world.api('GET', `/api/runs/${name}`)).status), name);
  for (const at of [1, 2]) {
    await world.api('POST', '/api/tasks/TASK-7/start', {});
    await ended(`TASK-7-${at}`);
  }
  const look = await world.owner();
  await look.go('/tasks/TASK-7');
  const runs = look.page.getByRole('combobox', { name: 'Run' });
  await runs.waitFor();
  equal(await runs.inputValue(), 'TASK-7-2', 'the run that is shown');
  equal(await runs.locator('option').allTextContents(), ['-2 succeeded (last)', '-1 succeeded'], 'the runs');
  await runs.selectOption('TASK-7-1');
  holds(look.page.url().includes('run=1'), look.page.url());
  await look.page.locator('[data-run="TASK-7-1"]').waitFor();
  await look.accessible();
  // Started elsewhere: this page hears of it, and starts no second one.
  await world.api('POST', '/api/tasks/TASK-7/start', { pipeline: 'slow' });
  await look.go('/tasks/TASK-7');
  const start = look.page.getByRole('button', { name: 'Start new run' });
  await look.page.locator('[data-run="TASK-7-3"]').waitFor();
  equal(await start.getAttribute('aria-disabled'), 'true', 'Start while one is active');
  holds((await start.getAttribute('title')).includes('TASK-7-3'), 'the reason names the run');
  await look.page.getByRole('button', { name: 'Stop', exact: true }).click();
  await ended('TASK-7-3');
  await look.page.waitForFunction(() => document.querySelector('[data-task] .button.primary')?.getAttribute('aria-disabled') !== 'true');
  await look.close();
}

export async function J14_cards_are_moved_by_menu_and_by_pointer(world) {
  await world.api('POST', '/api/pipelines', { definition: SLOW });
  await world.api('POST', '/api/tasks', { id: 'T-1', title: 'First', pipeline: 'slow' });
  await world.api('POST', '/api/tasks', { id: 'T-2', title: 'Second', pipeline: 'slow', prerequisites: ['T-1'] });
  const [one, two] = [await world.owner(), await world.owner()];
  await one.go('/tasks');
  await two.go('/tasks');
  await one.page.locator('[data-column=blocked] [data-task=T-2]', { hasText: 'waits for T-1' }).waitFor();
  await one.page.getByRole('combobox', { name: 'Move T-1' }).selectOption('running');
  await one.page.locator('[data-column=running] [data-task=T-1]').waitFor();
  await two.page.locator('[data-column=running] [data-task=T-1]').waitFor();
  await one.page.getByRole('combobox', { name: 'Move T-1' }).selectOption('done');
  await two.page.locator('[data-column=done] [data-task=T-1]').waitFor();
  await two.page.locator('[data-column=ready] [data-task=T-2]').waitFor();
  // By the pointer too.
  await one.page.locator('[data-task=T-2][draggable]').dragTo(one.page.locator('[data-column=running] ul'));
  await two.page.locator('[data-column=running] [data-task=T-2]').waitFor();
  await one.page.reload();
  await one.page.locator('[data-column=done] [data-task=T-1]').waitFor();
  await one.accessible();
  await one.close();
  await two.close();
}
