// When time passes: by a server that lives hours ahead.
import { execFileSync } from 'node:child_process';
import { equal, holds, until } from '../world.mjs';

const WAITS = `name: waits
stages:
  - name: build
    depends_on: []
    run: |
      sleep 0.3
      if [ ! -f once ]; then touch once; exit 1; fi
    retry: {max_attempts: 3, backoff: {kind: constant, initial: 200ms}}
  - name: ship
    depends_on: [build]
    requires_approval: true
    run: sleep 0.2
`;

/** The program that gives the server another clock, or nothing where there is none. */
function faketime() {
  try {
    return execFileSync('sh', ['-c', 'command -v faketime'], { encoding: 'utf8' }).trim();
  } catch {
    throw new Error('there is no faketime on this machine: apt-get install faketime');
  }
}

export async function J7_a_wait_of_two_hours_is_folded(world) {
  await world.run(WAITS);
  const gate = await until(async () => (await world.api('GET', '/api/approvals?status=pending')).data[0], 'the gate');
  const address = new URL(world.base).host;
  await world.stop();
  await world.serve(address, { before: [faketime(), '-f', '+2h'] });
  await world.api('POST', `/api/approvals/${gate.id}/approve`, {});
  await until(async () => (await world.api('GET', '/api/runs/waits~1')).status === 'succeeded', 'the end');
  const run = await world.api('GET', '/api/runs/waits~1');
  const build = run.stages.find((stage) => stage.name === 'build');
  equal(build.attempts.length, 2, 'attempts of build');
  const look = await world.owner();
  await look.go('/runs/waits/1?view=timeline');
  await look.page.locator('[data-stage=build] .tl-bar').first().waitFor();
  await look.accessible();
  // As long as its events say, to the millisecond.
  for (const stage of run.stages) {
    const bars = await look.page.$$eval(`.tl-row[data-stage="${stage.name}"] .tl-bar[data-attempt]:not(.queued)`, (found) => found.map((bar) => [Number(bar.dataset.attempt), Number(bar.dataset.ms)]));
    equal(bars.map(([number]) => number), stage.attempts.map((attempt) => attempt.number), `bars of ${stage.name}`);
    for (const attempt of stage.attempts) {
      const wanted = Date.parse(attempt.finished_at) - Date.parse(attempt.started_at);
      const [, shown] = bars.find(([number]) => number === attempt.number);
      holds(Math.abs(shown - wanted) <= 1, `${stage.name} ${attempt.number}: ${shown} ms instead of ${wanted}`);
    }
  }
  // Two hours take little room, and are named.
  const fold = look.page.locator('.tl-row[data-stage=ship] .tl-fold');
  equal(await fold.count(), 1, 'breaks');
  holds(/^waited (2h0|1h59)/.test(await fold.getAttribute('title')), `the break: ${await fold.getAttribute('title')}`);
  await look.page.getByText(/^Folded: (2h0|1h59)/).waitFor();
  const left = await look.page.locator('.tl-row[data-stage=ship] .tl-bar[data-attempt="1"]:not(.queued)').evaluate((bar) => parseFloat(bar.style.left));
  holds(left < 95, `ship begins at ${left} %`);
  const before = await look.page.locator('.tl-row[data-stage=build] .tl-bar[data-attempt="2"]:not(.queued)').evaluate((bar) => bar.getBoundingClientRect().width);
  await look.page.getByLabel('Fold idle times').uncheck();
  equal(await fold.count(), 0, 'breaks when nothing is folded');
  const after = await look.page.locator('.tl-row[data-stage=build] .tl-bar[data-attempt="2"]:not(.queued)').evaluate((bar) => bar.getBoundingClientRect().width);
  holds(after < before / 10, `${before} px folded, ${after} px else`);
  // The time that is shown is the server's.
  await look.page.getByRole('button', { name: 'Time of day' }).click();
  const hour = new Date(Date.parse(run.created_at)).toISOString().slice(11, 14);
  await look.page.locator('.tl-tick', { hasText: hour }).first().waitFor();
  await look.close();
}
