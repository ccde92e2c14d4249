// The first ten minutes of somebody who knows nothing: a terminal and a browser, from an empty folder to an agent of one's own.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { equal, holds, Look, until } from '../world.mjs';

/** Nothing of ours: as in a terminal that was just opened. */
function surroundings(more = {}) {
  const { CI, GITHUB_ACTIONS, NO_COLOR, CLICOLOR_FORCE, ORCHESTRATE_DATA_DIR, ORCHESTRATE_SERVER, ORCHESTRATE_TOKEN, ...rest } = process.env;
  return { ...rest, TERM: 'xterm-256color', ...more };
}

const plain = (text) => text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').replaceAll('\r', '');

/** A command on a terminal of its own, as somebody would look at it. */
class Terminal {
  constructor(cwd, command, env) {
    this.text = '';
    this.child = spawn('script', ['-qefc', `stty cols 120 rows 40; ${command}`, '/dev/null'], { cwd, env: surroundings(env), stdio: ['pipe', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (bytes) => (this.text += bytes));
    this.ended = new Promise((done) => this.child.once('exit', (code) => done(code)));
  }

  /** Once this stands there: what was found. */
  async says(what, ms) {
    return until(() => what.exec(plain(this.text)), `${what} in the terminal:\n${plain(this.text).slice(-2000)}`, ms);
  }

  end() {
    if (this.child.exitCode === null) this.child.kill('SIGKILL');
  }
}

/** A browser of the same machine; `base` is where the link leads to. */
async function browse(world, link) {
  const look = await Look.open({ browser: world.browser, base: new URL(link).origin });
  await look.page.goto(link);
  await look.live();
  if (process.env.UI_DIST) await look.go(new URL(look.page.url()).pathname);
  return look;
}

/** The server goes with the command that followed the run: what was broken off by that is no fault. */
async function leave(look) {
  const faults = look.faults.filter((fault) => !/ERR_CONNECTION_REFUSED|ERR_SOCKET_NOT_CONNECTED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/.test(fault));
  await look.context.close();
  equal(faults, [], 'faults');
}

const SLOW = `name: slow
stages:
  - {name: first, run: "echo begun; while ! test -e go; do sleep 0.1; done; echo first"}
  - {name: second, run: "echo second"}
`;

const OWN = `name: own
stages:
  - name: paint
    agent: painter
    task: Say how the sky is.
`;

export async function J0_the_first_ten_minutes_of_a_stranger(world) {
  const folder = mkdtempSync(join(tmpdir(), 'orchestrate-stranger-'));
  const run = (...args) => spawnSync(world.binary, args, { cwd: folder, env: surroundings(), encoding: 'utf8', timeout: 60_000 });
  const begun = [];
  const terminal = (command, env) => {
    const one = new Terminal(folder, command.replace(/^orchestrate/, world.binary), env);
    begun.push(one);
    return one;
  };
  try {
    await from_nothing_to_a_definition(run, folder);
    await a_run_that_waits_and_a_decision_in_the_browser(world, terminal);
    await changes_are_requested_in_the_second_version(world, terminal);
    await a_server_that_is_killed_and_an_agent_of_ones_own(world, terminal, run, folder);
  } finally {
    for (const one of begun) one.end();
    // Whatever still drives the folder.
    const holder = run('status', '--output', 'json');
    const found = holder.status === 0 ? JSON.parse(holder.stdout).data : undefined;
    if (found && found.role !== 'run') spawnSync('kill', [String(found.pid)]);
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

async function from_nothing_to_a_definition(run, folder) {
  const alone = run();
  equal([alone.status, alone.stdout.trimEnd().split('\n').length], [0, 6], 'orchestrate alone');
  holds(alone.stdout.includes('Try:     orchestrate init && orchestrate run pipelines/feature.yaml'), alone.stdout);
  const written = run('init');
  equal([written.status, written.stdout], [0, 'pipelines/feature.yaml\n'], 'init');
  const file = join(folder, 'pipelines/feature.yaml');
  const text = readFileSync(file, 'utf8');
  const [, schema] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? [];
  holds(JSON.parse(readFileSync(join(folder, 'pipelines', schema), 'utf8')).$schema, 'the schema that editors are led to');
  equal(run('init').status, 5, 'init once more');
  equal(readFileSync(file, 'utf8'), text, 'what was written before');
  const valid = run('validate', 'pipelines/feature.yaml');
  equal([valid.status, valid.stdout], [0, 'pipelines/feature.yaml: ok: 6 stages, 1 approval\n'], 'validate');
  writeFileSync(file, text.replace('depends_on: [review]', 'depends_on: [reviw]'));
  const wrong = run('validate', 'pipelines/feature.yaml');
  equal(wrong.status, 3, 'a misspelt stage');
  holds(/error\[E0201\]: unknown stage `reviw`[\s\S]*\^\^\^\^\^[\s\S]*did you mean `review`\?/.test(wrong.stdout), wrong.stdout);
  writeFileSync(file, text);
}

async function a_run_that_waits_and_a_decision_in_the_browser(world, terminal) {
  const shell = terminal('orchestrate run pipelines/feature.yaml');
  await shell.says(/Succeeded \[ *\S+\] 1\/6 plan/, 60_000);
  await shell.says(/! ship .*waiting 0 of 1/, 60_000);
  const [, link] = await shell.says(/open: (http:\/\/127\.0\.0\.1:\d+\/login\/\S+)/);
  const look = await browse(world, link);
  const { page } = look;
  await page.waitForURL(/\/runs\/feature\/1$/);
  await page.getByRole('tree', { name: 'Stages' }).waitFor();
  for (const stage of ['plan', 'implement', 'test-plan', 'review', 'notes']) await page.locator(`[role=treeitem][data-stage=${stage}][data-status=succeeded]`).waitFor();
  await page.locator('[role=treeitem][data-stage=ship][data-status=waiting_approval]').waitFor();
  equal(await page.locator('canvas[data-nodes]').getAttribute('data-nodes'), '6', 'stages in the graph');
  await page.getByRole('link', { name: 'Now', exact: true }).first().click();
  await page.getByRole('heading', { name: /Needs you\s*1/ }).waitFor();
  await page.getByRole('link', { name: 'Review' }).click();
  // Evidence, without opening anything.
  const evidence = page.getByRole('region', { name: 'Evidence' });
  for (const file of ['feature/theme.css', 'feature/switch.js']) await evidence.getByText(`+++ ${file}`).waitFor();
  await evidence.getByText('The reviewer says: approve').waitFor();
  await evidence.getByRole('cell', { name: 'theme.css was written' }).waitFor();
  await evidence.getByText('$0', { exact: true }).waitFor();
  await look.accessible();
  await page.getByLabel('Comment').fill('ship it');
  const said = Date.now();
  await page.getByRole('button', { name: 'Approve' }).click();
  await shell.says(/Approved A-1 by you, ship, 1 of 1: ship it/, 5000);
  const took = Date.now() - said;
  holds(took < 1000, `the terminal moved after ${took} ms`);
  await page.locator('[data-id=A-1][data-status=approved]').waitFor();
  equal(await shell.ended, 0, 'the exit code of the run');
  await shell.says(/Succeeded \[ *\S+\] feature#1: 6 succeeded/);
  await leave(look);
}

async function changes_are_requested_in_the_second_version(world, terminal) {
  const shell = terminal('orchestrate runs extend feature#1');
  await shell.says(/feature#2 extends feature#1/);
  const [, link] = await shell.says(/open: (http:\/\/127\.0\.0\.1:\d+\/login\/\S+)/, 60_000);
  const look = await browse(world, link);
  const { page } = look;
  await page.waitForURL(/\/runs\/feature\/2$/);
  await page.getByRole('link', { name: 'Inbox' }).first().click();
  await page.getByRole('link', { name: 'Review' }).click();
  await page.getByRole('button', { name: 'Request changes' }).click();
  await page.getByLabel('What should change').fill('use CSS variables');
  await page.getByRole('dialog').getByRole('button', { name: 'Request changes' }).click();
  await shell.says(/Sent back A-2 by you, ship: use CSS variables/);
  // The agent works again, and asks again.
  await page.getByRole('link', { name: 'Inbox' }).first().click();
  await page.locator('[data-id=A-3], [href="/inbox/A-3"]').first().waitFor();
  await page.getByRole('link', { name: 'Review' }).click();
  await page.getByText('revision 1 of 3').waitFor();
  await page.getByRole('region', { name: 'Evidence' }).getByText('somebody asked for it: use CSS variables').first().waitFor();
  await look.accessible();
  await page.getByRole('button', { name: 'Approve' }).click();
  await shell.says(/Approved A-3 by you/);
  equal(await shell.ended, 0, 'the exit code of the second version');
  await leave(look);
}

async function a_server_that_is_killed_and_an_agent_of_ones_own(world, terminal, run, folder) {
  const opened = join(folder, 'opened');
  const browser = join(folder, 'browser');
  writeFileSync(browser, `#!/bin/sh\nprintf %s "$1" > '${opened}.part' && mv '${opened}.part' '${opened}'\n`);
  chmodSync(browser, 0o755);
  const listen = '127.0.0.1:0';
  const first = terminal(`orchestrate serve --open --listen ${listen}`, { BROWSER: browser });
  await until(() => existsSync(opened), 'a browser');
  const file = new URL(readFileSync(opened, 'utf8'));
  equal([file.protocol, (statSync(file).mode & 0o777).toString(8)], ['file:', '600'], 'what the browser is led to');
  const [, link] = /url=(http:[^"]+)"/.exec(readFileSync(file, 'utf8'));
  const look = await browse(world, link);
  const { page } = look;
  await look.go('/compare?a=feature%231&b=feature%232');
  await page.getByRole('heading', { name: /^Artifacts/ }).waitFor();
  await page.getByRole('button', { name: 'Diff' }).first().click();
  await page.getByText('somebody asked for it: use CSS variables').first().waitFor();
  // A run is under way, and everything but its stage is gone at once.
  writeFileSync(join(folder, 'slow.yaml'), SLOW);
  equal(run('run', 'slow.yaml', '--detach').status, 0, 'a slow run');
  await look.go('/runs/slow/1');
  await page.getByRole('treeitem', { name: /^first, Running/ }).waitFor();
  const { pid, role } = JSON.parse(run('status', '--output', 'json').stdout).data;
  equal(role, 'serve', 'who drives');
  process.kill(pid, 'SIGKILL');
  await first.ended;
  await page.getByText(/^Reconnecting/).first().waitFor();
  terminal(`orchestrate serve --listen ${new URL(link).host}`);
  await page.getByText('Reconnected, nothing missed.').waitFor({ timeout: 30_000 });
  writeFileSync(join(folder, 'go'), '');
  await page.locator('[data-run="slow#1"][data-status=succeeded]').waitFor();
  await page.getByRole('treeitem', { name: 'first, Succeeded, attempt 1' }).waitFor();
  // An agent of one's own: a file, and a command behind it.
  const agents = join(folder, '.orchestrate/agents');
  spawnSync('mkdir', ['-p', agents]);
  writeFileSync(join(agents, 'painter.md'), '---\nname: painter\ndescription: Knows the sky\norchestrate:\n  adapter: {kind: command, command: [sh, -c, "cat > /dev/null; echo The sky is blue."]}\n---\nYou know the sky.\n');
  writeFileSync(join(folder, 'own.yaml'), OWN);
  const listed = run('agent', 'list');
  holds(listed.stdout.includes('painter'), listed.stdout + listed.stderr);
  const painted = run('run', 'own.yaml');
  equal(painted.status, 0, painted.stderr);
  await look.go('/runs/own/1?stage=paint&tab=io');
  await page.getByText('The sky is blue.').first().waitFor();
  await leave(look);
}
