// `npm run screens [-- FOLDER [WORD]]`: every page as it looks, light and dark, wide and narrow, empty and full.
import { createHmac } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until, World } from './world.mjs';

const binary = process.env.ORCHESTRATE_BIN ?? new URL('../../target/debug/orchestrate', import.meta.url).pathname;
const [folder = '/tmp/orchestrate-screens', word = ''] = process.argv.slice(2);

const FEATURE = `name: feature-complete
description: Plans, builds and ships a feature
inputs: {goal: {type: string, default: Add dark mode}}
stages:
  - {name: plan, depends_on: [], run: "echo planned"}
  - {name: implement, depends_on: [plan], foreach: [ui, api, docs], run: "echo building; sleep 0.3"}
  - {name: scan, depends_on: [plan], run: "sleep 0.4; echo 412 files"}
  - name: review
    depends_on: [implement, scan]
    run: |
      mkdir -p out
      printf '# Smoke tests\\n\\nAll **42** passed.\\n' > out/report.md
    artifacts: {report: out/report.md}
  - name: deploy
    depends_on: [review]
    context: ["@review"]
    requires_approval: {approvers: [], quorum: 1, timeout: 1h, instructions: Look at the report first.}
    run: echo deployed
`;
const NIGHTLY = `name: nightly
description: Scans everything, every night
triggers:
  - {name: at-two, schedule: "0 2 * * *"}
  - {event: push, branches: [main]}
stages:
  - {name: fetch, depends_on: [], run: "echo fetched"}
  - name: scan
    depends_on: [fetch]
    run: |
      for i in $(seq 1 60); do echo "   Compiling part $i of the whole"; done
      printf '\\033[1;31merror[E0425]\\033[0m: cannot find value \`theme\` in this scope\\n  --> src/ui.rs:41:9\\n'
      exit 101
  - {name: report, depends_on: [scan], run: echo report}
`;
const NOTES = `name: release
stages:
  - name: notes
    form:
      instructions: "## What is released?"
      fields:
        version: {type: text, required: true, help: As in 1.4}
        breaking: {type: boolean}
        words: {type: multiline_text}
`;
const CONFIG = `sources:
  forge: {kind: github, secret: {secret: FORGE}}
  builds: {kind: hmac, secret: [{secret: BUILDS}, {file: old}], event: built}
notify:
  targets:
    team: {kind: command, command: [sh, -c, "cat > /dev/null"]}
    away: {kind: webhook, url: 'http://127.0.0.1:9/hook', allow_private: true}
  rules:
    - {on: [approval.requested, run.failed], to: [team]}
retention: {output_days: 90, runs_days: 365}
`;
const LONG = `name: long
stages:
  - {name: wait, run: "sleep 600"}
  - {name: after, run: "echo after"}
`;

const TRAIN = `name: train
stages:
  - {name: fit, depends_on: [], runs_on: gpu, run: "python fit.py"}
`;
const CAREFUL = `name: careful
stages:
  - {name: build, depends_on: [], run: "make image"}
  - {name: scan, depends_on: [build], run: "scan image"}
  - {name: deploy, depends_on: [scan], environment: staging, run: "./deploy.sh staging"}
  - {name: tell, depends_on: [deploy], run: "curl -d done https://chat.example/hook"}
`;

const EMPTY = ['/', '/inbox', '/tasks', '/tasks?view=list', '/pipelines', '/pipelines/new', '/runs', '/fleet/workers', '/fleet/agents', '/fleet/queues', '/fleet/workers/nobody', '/metrics', '/audit', '/compare', '/templates', '/settings/rollout', '/settings/tokens', '/settings/secrets', '/settings/notify', '/settings/webhooks', '/settings/retention'];

async function deliver(world) {
  const body = JSON.stringify({ ref: 'refs/heads/main', after: '1', commits: [] });
  const signature = createHmac('sha256', 'a secret of the forge').update(body).digest('hex');
  const headers = { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${signature}`, 'x-github-event': 'push', 'x-github-delivery': 'd-1' };
  const answer = await fetch(`${world.base}/hooks/forge`, { method: 'POST', headers, body });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
}

async function fill(world) {
  writeFileSync(join(world.data, 'config.yaml'), CONFIG);
  await world.api('PUT', '/api/secrets/FORGE', { value: 'a secret of the forge' });
  await world.api('PUT', '/api/secrets/DEPLOY_KEY', { value: 'another one', pipeline: 'release' });
  const { name: me } = await world.api('GET', '/api/whoami');
  await world.api('POST', '/api/tokens', { user: me, name: 'the deploy script', scopes: ['read', 'run'], expires_at: new Date(Date.now() + 30 * 86_400_000).toISOString() });
  for (const definition of [FEATURE, NIGHTLY, NOTES, LONG]) await world.api('POST', '/api/pipelines', { definition }).catch((error) => console.error(String(error)));
  const go = (name) => world.api('POST', `/api/pipelines/${name}/run`, {});
  for (let n = 0; n < 3; n += 1) await go('nightly');
  for (let n = 0; n < 2; n += 1) await go('feature-complete');
  await go('release');
  await go('long');
  // Waits for a worker that there is not; and a run that only says what it would do.
  for (const definition of [TRAIN, CAREFUL]) await world.api('POST', '/api/pipelines', { definition });
  await go('train');
  await world.api('POST', '/api/pipelines/careful/run', { mode: 'shadow' });
  await deliver(world);
  await world.run(readFileSync(new URL('../../templates/first.yaml', import.meta.url), 'utf8'));
  await until(async () => (await world.api('GET', '/api/runs/feature~1')).status === 'waiting', 'the first pipeline');
  for (const [id, title] of [['TASK-5', 'Read themes from a file'], ['TASK-7', 'Add dark mode'], ['TASK-9', 'Say who is asked']]) await world.api('POST', '/api/tasks', { id, title, pipeline: 'long', ...(id === 'TASK-7' ? { prerequisites: ['TASK-5'] } : {}) });
  await world.api('POST', '/api/tasks/TASK-5/start', {});
  await until(async () => (await world.api('GET', '/api/approvals?status=pending')).data.length === 3, 'three approvals');
  await until(async () => (await world.api('GET', '/api/inputs?status=open')).data.length === 1, 'a form');
  const gates = (await world.api('GET', '/api/approvals?status=pending')).data;
  const gate = gates.find((one) => one.pipeline === 'feature-complete');
  const first = gates.find((one) => one.pipeline === 'feature');
  const [form] = (await world.api('GET', '/api/inputs?status=open')).data;
  const run = gate.run_name.replace('#', '/');
  return [
    ...EMPTY,
    `/inbox/${gate.id}`,
    `/inbox/${first.id}`,
    '/runs/feature/1',
    '/runs/feature/1?stage=plan&tab=agent',
    '/templates?show=first',
    '/metrics?by=run',
    '/fleet/workers/local',
    '/runs?sort=-duration',
    '/runs/careful/1',
    '/runs/careful/1?stage=deploy',
    '/pipelines/nightly/versions/1..1',
    '/runs/none/1',
    `/inbox/${form.id}`,
    '/tasks?view=list',
    '/tasks/TASK-5',
    '/pipelines/feature-complete/graph',
    '/pipelines/nightly/runs',
    '/pipelines/nightly/definition',
    '/pipelines/nightly/triggers',
    '/pipelines/nightly/metrics',
    '/pipelines/nightly/settings',
    '/pipelines/feature-complete/edit',
    '/pipelines/feature-complete/edit?view=split',
    '/pipelines/feature-complete/edit?view=form',
    `/runs/${run}`,
    `/runs/${run}?view=timeline`,
    '/runs/nightly/2',
    '/runs/nightly/2?view=table&stage=scan&tab=log',
    '/runs/nightly/2?stage=scan&tab=events',
    '/compare?a=nightly%231&b=nightly%232',
    '/settings/general',
  ];
}

async function shoot(world, kind, paths) {
  for (const scheme of ['light', 'dark']) {
    for (const width of [1440, 390]) {
      const look = await world.owner({ scheme, width, height: width === 390 ? 844 : 900 });
      for (const path of paths) {
        const name = `${kind}${path === '/' ? '_now' : path.replace(/[/?&=%#]+/g, '_')}_${scheme}_${width}.png`;
        if (!name.includes(word)) continue;
        await look.go(path);
        await look.page.waitForFunction(() => performance.getEntriesByName('orc:useful').length > 0, null, { timeout: 5000 }).catch(() => look.faults.push(`${path} is of no use`));
        await look.page.evaluate(() => document.fonts.ready);
        await look.page.waitForTimeout(250);
        await look.page.screenshot({ path: join(folder, name) });
        const wide = await look.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        if (wide > 0) console.log(`${name}: ${wide} px too wide`);
      }
      for (const fault of look.faults) console.log(`${kind} ${scheme} ${width}: ${fault}`);
      await look.context.close();
    }
  }
}

mkdirSync(folder, { recursive: true });
const world = await World.begin(binary);
try {
  if ('empty'.includes(word.split('_')[0]) || word === '') await shoot(world, 'empty', EMPTY);
  const paths = await fill(world);
  await shoot(world, 'full', paths);
} finally {
  await world.end();
}
