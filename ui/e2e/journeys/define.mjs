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

export async function J5_a_mistake_is_found_where_it_is_and_mended(world) {
  await world.api('POST', '/api/pipelines', { definition: GOOD });
  const look = await world.owner();
  await look.go('/pipelines/ship/edit');
  const area = look.page.getByRole('textbox', { name: 'Definition' });
  const bad = GOOD.replace('[deploy-staging]', '[deploy-stagin]');
  await area.fill(bad);
  const found = look.page.getByRole('list', { name: 'Diagnostics' });
  await found.getByText('E0201').waitFor();
  const wanted = (await world.api('POST', '/api/validate', { definition: bad })).diagnostics[0];
  const { line, col } = wanted.spans[0].start;
  await found.getByText(`${line}:${col}`).waitFor();
  await found.getByText(wanted.message).waitFor();
  const save = look.page.getByRole('button', { name: 'Save' });
  equal(await save.getAttribute('aria-disabled'), 'true', 'Save with errors');
  await look.accessible();
  await look.page.reload();
  await look.live();
  equal(await area.inputValue(), bad, 'the draft after a reload');
  await look.page.getByRole('button', { name: 'Fix: deploy-staging' }).click();
  equal(await area.inputValue(), GOOD, 'the text after the fix');
  await area.fill(GOOD.replace('echo smoke', 'echo smoke test'));
  await look.page.getByText('It is valid.').waitFor();
  // Somebody else saves first.
  await world.api('PUT', '/api/pipelines/ship', { definition: GOOD.replace('echo build', 'echo built') });
  await save.click();
  await look.page.getByRole('dialog').getByText('echo built').first().waitFor();
  await look.page.getByRole('button', { name: 'Save mine over it' }).click();
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

export async function J20_templates_run_as_they_are(world) {
  const look = await world.owner();
  for (const name of ['hello', 'cascade']) {
    await look.go(`/templates?show=${name}`);
    await look.page.getByLabel('Definition').waitFor();
    const row = look.page.getByRole('listitem').filter({ has: look.page.getByText(name, { exact: true }) });
    await row.getByRole('button', { name: 'Run' }).click();
    await look.page.waitForURL(new RegExp(`/runs/${name}/1`));
    await until(async () => (await world.api('GET', `/api/runs/${name}~1`)).status === 'succeeded', name, 60_000);
    await look.page.locator(`[data-run="${name}#1"][data-status=succeeded]`).waitFor();
  }
  await look.go('/templates');
  await look.page.getByRole('link', { name: 'Use' }).first().click();
  await look.page.getByText('It is valid.').waitFor();
  holds((await look.page.getByRole('textbox', { name: 'Definition' }).inputValue()).includes('stages:'), 'the text of the template');
  await look.close();
}
