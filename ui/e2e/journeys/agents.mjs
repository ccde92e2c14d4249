// What agents do, as people see it while it happens.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { equal, holds, until } from '../world.mjs';

const TALKS = `name: talks
stages:
  - name: build
    depends_on: []
    agent: implementer
    task: |
      Add a dark theme.
    adapter:
      kind: mock
      script:
        turns:
          - - thinking: Colours are in one file.
            - text: I look at what there is.
            - {call: write, input: {path: theme.css, content: "body { color: black }\\n"}}
            - {call: read, input: {path: theme.css}}
            - {call: read, input: {path: ../../secret.txt}}
            - {ask: "CSS or a theme?", choices: [css, theme]}
            - {usage: {input: 1200, output: 340}}
            - {text: "**Done**: it is dark."}
            - {result: {text: dark}}
`;

export async function J26_agents_are_watched_and_answered(world) {
  const run = await world.run(TALKS);
  const look = await world.owner();
  const { page } = look;
  await look.go('/runs/talks/1?stage=build&tab=agent');
  // The question stands where it was asked, and is answered there.
  const box = page.getByRole('region', { name: 'Question' });
  await box.getByText('CSS or a theme?').waitFor();
  const panel = page.getByRole('region', { name: 'Stage build' });
  await panel.getByText('I look at what there is.').waitFor();
  equal(await panel.getByText('Colours are in one file.').count(), 0, 'thoughts that nobody asked for');
  await page.getByLabel('thoughts').check();
  await panel.getByText('Colours are in one file.').waitFor();
  const denied = panel.locator('[data-state=denied]');
  await denied.first().waitFor();
  holds(/Refused:/.test(await denied.first().textContent()), 'why it was refused');
  await look.accessible();
  look.requests.length = 0;
  await box.getByRole('button', { name: 'theme', exact: true }).click();
  // What follows comes by the stream.
  await panel.getByText('it is dark.').waitFor();
  // Nothing proves work of which a part was refused: the verdict says so.
  await panel.locator('[data-verdict=denied]', { hasText: 'were refused' }).waitFor();
  equal(look.requests.filter((url) => url.includes('/talk/')), [], 'the talk asked for again');
  await box.waitFor({ state: 'detached' });
  const written = panel.locator('details').filter({ hasText: 'theme.css' }).first();
  await written.locator('summary').click();
  await written.locator('.diff .plus', { hasText: 'color: black' }).waitFor();
  await panel.getByText(/1,540 tokens/).waitFor();
  await until(async () => (await world.api('GET', `/api/runs/${run.id}`)).status === 'failed', 'the end');
  await look.accessible();
  // Read again from the beginning, it is the same.
  const texts = () => panel.locator('.talk-items > li').allTextContents();
  const before = await texts();
  await page.reload();
  await look.live();
  await page.getByLabel('thoughts').check();
  await until(async () => (await texts()).length === before.length, 'as many lines');
  await look.close();
}

export async function J26b_members_of_a_council_stand_side_by_side(world) {
  await world.run(`name: council
stages:
  - name: choose
    depends_on: []
    discussion: {mode: parallel, combine: vote, members: [architect, tester, reviewer]}
    task: Which database should the shop use?
    outputs:
      database: {type: string, schema: {enum: [sqlite, postgres]}}
`);
  await until(async () => ['succeeded', 'failed'].includes((await world.api('GET', '/api/runs/council~1')).status), 'the end', 60_000);
  const look = await world.owner();
  await look.go('/runs/council/1?stage=choose&tab=agent');
  await look.page.locator('[data-verdict=succeeded]').waitFor();
  await look.page.locator('[data-state=turn]', { hasText: '3 of 3 members agree' }).waitFor();
  for (const name of ['architect', 'tester', 'reviewer']) await look.page.locator('.lane', { hasText: name }).first().waitFor();
  await look.accessible();
  await look.close();
}

const ASTRAY = `name: page
stages:
  - name: build
    depends_on: []
    agent: implementer
    task: Write page.html
    adapter:
      kind: mock
      script: {turns: [[{text: I begin.}, {hang: true}], [{text: I go on from there.}]]}
    validate: grep -q Hello page.html
`;

export async function J27_a_person_takes_over_and_hands_back(world) {
  const run = await world.run(ASTRAY);
  const look = await world.owner();
  const { page } = look;
  await look.go('/runs/page/1?stage=build&tab=agent');
  const panel = page.getByRole('region', { name: 'Stage build' });
  await panel.getByText('I begin.').waitFor();
  await page.getByRole('button', { name: 'Take over' }).click();
  const held = page.getByRole('region', { name: 'Taken over' });
  await held.getByText(/^Held by /).waitFor();
  await held.getByText('Its session goes on when you hand back.').waitFor();
  const { attach } = await world.api('GET', `/api/runs/${run.id}/takeover/build`);
  equal((await held.getByLabel('Attach command').textContent()).trim(), attach.command, 'the way in');
  await page.locator('[data-stage=build][data-status=held_by_human]').first().waitFor();
  await look.accessible();
  // What the person does there.
  writeFileSync(join(attach.directory, 'page.html'), '<h1>Hello</h1>\n');
  await held.getByLabel('Note').fill('The heading is there.');
  await held.getByRole('button', { name: 'Hand back', exact: true }).click();
  await panel.getByText('I go on from there.').waitFor();
  await panel.getByText(/handed back: The heading is there\./).waitFor();
  await until(async () => (await world.api('GET', `/api/runs/${run.id}`)).status === 'succeeded', 'the end');
  await look.accessible();
  await look.close();
}
