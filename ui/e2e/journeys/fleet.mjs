// Workers on other machines, and how much of what runs decide is really done.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { equal, holds, until } from '../world.mjs';

/** Seconds that a worker which is not heard of counts as there. */
const LEASE = 3;

const TRAIN = (go) => `name: train
stages:
  - name: fit
    depends_on: []
    runs_on: gpu
    run: |
      echo "fitting on $(hostname)"
      until [ -f ${go} ]; do sleep 0.1; done
`;

/** A worker of its own folder on this machine, known to the server by name. */
class Hand {
  static async begin(world, name, token) {
    const hand = new Hand();
    hand.name = name;
    hand.data = mkdtempSync(join(tmpdir(), `orchestrate-${name}-`));
    hand.said = '';
    hand.process = spawn(world.binary, ['--data-dir', hand.data, 'worker', '--server', world.base, '--name', name, '--labels', 'gpu', '--slots', '1'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ORCHESTRATE_TOKEN: token },
    });
    for (const stream of [hand.process.stdout, hand.process.stderr]) stream.on('data', (bytes) => (hand.said += bytes));
    hand.process.on('exit', (code) => (hand.code = code ?? 'a signal'));
    await until(async () => {
      if (hand.code !== undefined) throw new Error(`the worker ended with ${hand.code}: ${hand.said}`);
      return (await workers(world)).some((one) => one.name === name && one.state === 'online');
    }, `${name} to be there`);
    return hand;
  }

  /** As by a failure of power: the program, its keeper and what that runs, at once. */
  async kill() {
    const ended = new Promise((done) => this.process.once('exit', done));
    for (const pid of new Set([this.process.pid, ...within(this.data).flatMap((one) => [one, ...below(one)])])) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It had ended already.
      }
    }
    await ended;
  }

  async end() {
    if (this.code === undefined && this.process.exitCode === null && this.process.signalCode === null) {
      const ended = new Promise((done) => this.process.once('exit', done));
      this.process.kill('SIGTERM');
      await ended;
    }
    rmSync(this.data, { recursive: true, force: true });
  }
}

/** Processes that were told of a folder, or stand in it: those of one worker. */
function within(folder) {
  const about = (pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder) || readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
    } catch {
      return false;
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && about(pid));
}

/** Everything that a process started, and what that started. */
function below(pid) {
  const path = `/proc/${pid}/task/${pid}/children`;
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split(' ')
    .map(Number)
    .filter(Boolean)
    .flatMap((child) => [child, ...below(child)]);
}

const workers = async (world) => (await world.api('GET', '/api/workers')).data;

export async function J17_a_stage_waits_for_a_worker_and_outlives_it(world) {
  await world.stop();
  writeFileSync(join(world.data, 'config.yaml'), `workers: {lease_seconds: ${LEASE}}\n`);
  await world.serve('127.0.0.1:0');
  await world.api('POST', '/api/users', { name: 'machines', roles: ['worker'] });
  const { token } = await world.api('POST', '/api/tokens', { user: 'machines', name: 'workers', scopes: ['work'] });
  const folder = mkdtempSync(join(tmpdir(), 'orchestrate-go-'));
  const go = join(folder, 'go');
  const hands = [];
  try {
    const look = await world.owner();
    const { page } = look;
    await look.go('/fleet/workers');
    // The command to take along stands where nobody else works.
    await page.getByText('orchestrate worker --labels gpu', { exact: true }).waitFor();
    await page.locator('tr[data-worker=local][data-status=online]').waitFor();
    await look.accessible();
    await world.run(TRAIN(go));
    // Why it waits, in words: on the stage, in the queue, and on Now.
    await look.go('/runs/train/1?stage=fit');
    await page.locator('[role=treeitem][data-stage=fit][data-status=queued]').waitFor();
    await page.getByRole('region', { name: 'Stage fit' }).getByText(/needs label gpu; 0 of 1 workers? ha(s|ve) it/).waitFor();
    await look.go('/fleet/queues');
    await page.locator('tr[data-stage=fit]', { hasText: 'needs label gpu' }).waitFor();
    await look.accessible();
    await look.go('/');
    await page.locator('[data-fleet]').getByText(/1 queued \(needs label gpu\)/).waitFor();
    await look.accessible();
    // Nothing is asked again while the rest happens: it comes by the stream.
    hands.push(await Hand.begin(world, 'first', token));
    await page.locator('[data-fleet]').getByText(/^2 workers, .* nothing queued$/).waitFor();
    await look.go('/fleet/workers');
    const first = page.locator('tr[data-worker=first]');
    await first.getByText('fit').waitFor();
    equal(await first.getAttribute('data-status'), 'online', 'the first worker');
    await look.accessible();
    // The program and its keeper are gone in the middle of the stage.
    const run = () => world.api('GET', '/api/runs/train~1');
    await until(async () => (await run()).stages[0].status === 'running', 'the stage to run');
    const heard = (await workers(world)).find((one) => one.name === 'first').heard_at;
    await hands[0].kill();
    await page.locator('tr[data-worker=first][data-status=lost]').waitFor();
    const late = Date.now() - Date.parse(heard);
    holds(late <= (LEASE + 2) * 1000 + 500, `shown as lost after ${late} ms`);
    await first.getByRole('link', { name: 'first' }).click();
    await page.getByText('Nothing was heard of it for longer than its lease.').waitFor();
    await page.getByRole('region', { name: 'What it held' }).locator('[data-run="train#1"][data-stage=fit]').waitFor();
    await look.accessible();
    // Tried again once, and on another worker to its end.
    await look.go('/runs/train/1?stage=fit');
    await page.locator('[role=treeitem][data-stage=fit]').waitFor();
    hands.push(await Hand.begin(world, 'second', token));
    await until(async () => (await workers(world)).some((one) => one.name === 'second' && one.attempts.length === 1), 'the second to have it');
    equal((await run()).stages[0].attempts.length, 2, 'attempts');
    writeFileSync(go, '');
    await page.locator('[data-run="train#1"][data-status=succeeded]').waitFor();
    equal((await run()).stages[0].attempts.map((one) => one.status), ['lost', 'succeeded'], 'what became of both');
    // Who is gone is forgotten when somebody says so.
    await look.go('/fleet/workers');
    await page.getByRole('button', { name: 'Forget first' }).click();
    await page.getByRole('button', { name: 'Forget it' }).click();
    await first.waitFor({ state: 'detached' });
    await look.close();
  } finally {
    for (const hand of hands) await hand.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

const WORKS = (folder) => `name: works
stages:
  - name: build
    depends_on: []
    agent: implementer
    task: Write page.html
    adapter:
      kind: mock
      script: {turns: [[{text: I begin.}, {hang: true}]]}
  - {name: tell, depends_on: [], run: "until [ -f ${folder}/go ]; do sleep 0.1; done; touch ${folder}/told"}
`;

const EFFECT = (folder) => `name: effect
stages:
  - {name: write, depends_on: [], run: "touch ${folder}/written"}
  - {name: after, depends_on: [write], run: "touch ${folder}/after"}
`;

export async function J18_a_switch_is_refused_while_somebody_is_busy(world) {
  const folder = mkdtempSync(join(tmpdir(), 'orchestrate-effects-'));
  mkdirSync(folder, { recursive: true });
  try {
    const look = await world.owner();
    const { page } = look;
    await world.run(WORKS(folder));
    await look.go('/settings/rollout');
    await page.locator('[data-mode=production][data-orchestration]').first().waitFor();
    const busy = page.getByRole('region', { name: 'Busy now' });
    await busy.locator('[data-agent=implementer]').waitFor();
    await look.accessible();
    // Both are refused, with who is in the way.
    const form = page.getByRole('region', { name: 'Switch' });
    const wish = async (option) => {
      await form.getByRole('radio', { name: new RegExp(`^${option}`) }).check();
      await form.getByRole('button', { name: 'Switch', exact: true }).click();
      await form.locator('[data-refused]').waitFor();
      await form.locator('[data-refused] [data-agent=implementer]').waitFor();
      holds((await world.api('GET', '/api/rollout')).mode === 'production', 'the mode of before');
    };
    await wish('sequential');
    await look.accessible();
    await form.getByRole('radio', { name: /^parallel/ }).check();
    await wish('shadow');
    // It drains: nothing new begins until the agent is gone.
    await form.getByRole('button', { name: 'Drain', exact: true }).click();
    await page.locator('[data-draining]').getByText(/Waits to switch to shadow/).waitFor();
    await look.accessible();
    // And it may be given up.
    await page.getByRole('button', { name: 'Give up' }).click();
    await page.locator('[data-draining]').waitFor({ state: 'detached' });
    await wish('shadow');
    await form.getByRole('button', { name: 'Drain', exact: true }).click();
    await page.locator('[data-draining]').waitFor();
    // Who is at work is with its role, and can be stopped there.
    await look.go('/fleet/queues');
    await page.locator('[data-role=implementer] [data-run="works#1"]').waitFor();
    await look.accessible();
    await look.go('/fleet/agents');
    await page.getByRole('button', { name: 'Attach to implementer' }).waitFor();
    await look.accessible();
    look.requests.length = 0;
    await page.getByRole('button', { name: 'Stop implementer' }).click();
    await page.getByRole('dialog', { name: 'Stop implementer?' }).getByRole('button', { name: 'Cancel the run' }).click();
    // Then it is switched, and every page says so by itself.
    await page.locator('.rollout-mark[data-mode=shadow]').waitFor();
    await page.getByText('Nobody is at work.').waitFor();
    equal(look.requests.filter((url) => /\/api\/rollout(\?|$)/.test(url)), [], 'the mode asked for again');
    await look.go('/settings/rollout');
    await page.locator('[data-mode=shadow][data-orchestration=parallel][data-seq]').waitFor();
    equal(await page.locator('[data-draining]').count(), 0, 'a switch that waits');
    // A shadow run does nothing, and says at every stage what it would have done.
    await world.api('POST', '/api/pipelines', { definition: EFFECT(folder) });
    await look.go('/pipelines/effect/runs');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    equal(await page.getByLabel('Mode').count(), 0, 'a choice where only one mode may be had');
    await page.getByRole('button', { name: 'Start run' }).click();
    await page.waitForURL(/\/runs\/effect\/1/);
    await page.locator('[data-run="effect#1"][data-status=succeeded]').waitFor();
    for (const stage of ['write', 'after']) await page.getByRole('treeitem', { name: new RegExp(`^${stage}, Would have`) }).waitFor();
    await page.locator('.run-facts [data-mode=shadow]').waitFor();
    await page.getByRole('treeitem', { name: /^write/ }).click();
    await page.getByRole('list', { name: 'What it would have done' }).getByText(/would run touch/).waitFor();
    await look.accessible();
    holds(!existsSync(join(folder, 'written')) && !existsSync(join(folder, 'after')), 'a shadow run wrote a file');
    await look.go('/runs');
    await page.locator('tr[data-run="effect#1"] [data-mode=shadow]').waitFor();
    // Nobody is busy: back to how it was, and what ran in the shadow is really done.
    await look.go('/settings/rollout');
    await page.getByText('Nobody: the modes can be switched.').waitFor();
    await form.getByRole('radio', { name: /^production/ }).check();
    await form.getByRole('button', { name: 'Switch', exact: true }).click();
    await page.locator('.rollout-mark[data-mode=production]').waitFor();
    await look.accessible();
    await world.api('POST', '/api/pipelines/effect/run', {});
    await until(async () => (await world.api('GET', '/api/runs/effect~2')).status === 'succeeded', 'the real run');
    holds(existsSync(join(folder, 'written')) && existsSync(join(folder, 'after')), 'a real run wrote no file');
    await look.close().catch((error) => {
      // That it was refused is what was asked, and Chromium writes it down.
      const left = error.message.split('\n').filter((line) => !line.includes('409'));
      if (left.some((line) => line.trim() !== '')) throw error;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
