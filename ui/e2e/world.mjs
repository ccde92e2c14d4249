// A server of its own on an empty data folder, browsers that look at it, and what every look has to keep to.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { launch } from './browser.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export class World {
  static async begin(binary) {
    const world = new World();
    world.binary = binary;
    world.data = mkdtempSync(join(tmpdir(), 'orchestrate-page-'));
    await world.serve('127.0.0.1:0');
    world.browser = await launch();
    return world;
  }

  /** `before`: what is put in front of the command, `env`: what is said to it beside ours. */
  async serve(listen, { binary = this.binary, cwd, env, before = [], slots = 6 } = {}) {
    const [program, ...first] = [...before, binary];
    this.process = spawn(program, [...first, '--data-dir', this.data, 'serve', '--listen', listen, '--slots', String(slots)], { stdio: ['ignore', 'pipe', 'pipe'], cwd, env: { ...process.env, ...env } });
    this.base = await new Promise((found, failed) => {
      let said = '';
      const hear = (bytes) => {
        said += bytes;
        const address = /http:\/\/127\.0\.0\.1:\d+/.exec(said);
        if (address) found(address[0]);
      };
      this.process.stdout.on('data', hear);
      this.process.stderr.on('data', hear);
      this.process.on('exit', (code) => failed(new Error(`the server ended with ${code}: ${said}`)));
    });
    this.token = readFileSync(join(this.data, 'token'), 'utf8').trim();
  }

  cli(...args) {
    return execFileSync(this.binary, ['--data-dir', this.data, '--no-input', ...args], { encoding: 'utf8', timeout: 60_000, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  async api(method, path, body, as) {
    const headers = { authorization: `Bearer ${this.token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...(as ? { 'x-orchestrate-as': as } : {}) };
    const response = await fetch(this.base + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  async run(definition, inputs = {}) {
    return this.api('POST', '/api/runs', { definition, inputs });
  }

  /** A browser of its own, signed in by a link of the server's owner. */
  async owner(options = {}) {
    const look = await Look.open(this, options);
    const { path } = await this.api('POST', '/api/session/link');
    await look.page.goto(this.base + path);
    await look.live();
    // Where a link leads to is not asked for by the page: what was just built comes with the next look.
    if (process.env.UI_DIST) await look.go('/');
    return look;
  }

  /** A browser of its own, signed in by name and password. */
  async user(name, options = {}) {
    await this.api('POST', '/api/users', { name, password: `${name}-opens-the-door`, roles: ['maintainer'], ...options.account }).catch((error) => {
      if (!String(error).includes('409')) throw error;
    });
    const look = await Look.open(this, options);
    await look.page.goto(`${this.base}/login`);
    await look.page.getByLabel('User').fill(name);
    await look.page.getByLabel('Password').fill(`${name}-opens-the-door`);
    await look.page.getByRole('button', { name: 'Sign in' }).click();
    await look.live();
    return look;
  }

  async end() {
    await this.browser?.close();
    await this.stop();
    rmSync(this.data, { recursive: true, force: true });
  }

  /** As by a failure of power: nothing is told to it before. */
  async kill() {
    this.process.removeAllListeners('exit');
    const ended = new Promise((done) => this.process.once('exit', done));
    this.process.kill('SIGKILL');
    await ended;
  }

  async stop() {
    this.process.removeAllListeners('exit');
    if (this.process.exitCode !== null || this.process.signalCode !== null) throw new Error(`the server had ended already: ${this.process.exitCode ?? this.process.signalCode}`);
    const ended = new Promise((done) => this.process.once('exit', done));
    this.process.kill('SIGTERM');
    await ended;
  }
}

/** One browser's look: everything that must not happen in it is remembered. */
export class Look {
  static async open(world, { width = 1440, height = 900, scheme = 'light', motion = 'no-preference', colors = 'none' } = {}) {
    const look = new Look();
    look.world = world;
    look.faults = [];
    look.requests = [];
    look.context = await world.browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: motion, forcedColors: colors });
    if (process.env.UI_DIST) await fresh(look.context, process.env.UI_DIST);
    look.page = await look.context.newPage();
    look.page.setDefaultTimeout(15_000);
    const { page, faults } = look;
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
    page.on('requestfailed', (request) => {
      const why = request.failure()?.errorText;
      // Broken off by the browser, because the page was left; a server that breaks off has other words.
      if (!['net::ERR_ABORTED', 'NS_BINDING_ABORTED'].includes(why)) faults.push(`failed: ${request.url()} ${why}`);
    });
    page.on('request', (request) => {
      look.requests.push(request.url());
      const { hostname, protocol } = new URL(request.url());
      if (protocol.startsWith('http') && hostname !== '127.0.0.1') faults.push(`left loopback: ${request.url()}`);
    });
    page.on('websocket', (socket) => {
      if (new URL(socket.url()).hostname !== '127.0.0.1') faults.push(`left loopback: ${socket.url()}`);
    });
    page.on('response', (response) => {
      const headers = response.headers();
      if (!response.request().isNavigationRequest() || !/html/.test(headers['content-type'] ?? '')) return;
      const policy = headers['content-security-policy'] ?? '';
      if (!policy.includes("default-src 'none'") || policy.includes('unsafe')) faults.push(`the policy of ${response.url()} is "${policy}"`);
    });
    return look;
  }

  async go(path) {
    await this.page.goto(this.world.base + path);
    await this.live();
  }

  async live() {
    await this.page.waitForSelector('body[data-live=live]');
  }

  /** What people with other senses would stumble over. */
  async accessible() {
    // The policy of the page lets no foreign script in: it comes by the door of the debugger.
    await this.page.evaluate(axe);
    const { violations } = await this.page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    for (const { impact, id, nodes } of violations) {
      if (impact === 'serious' || impact === 'critical') this.faults.push(`axe ${id}: ${nodes.slice(0, 2).map((node) => node.html.slice(0, 140)).join(' | ')}`);
    }
  }

  /** Every journey ends with a look at what it ended with. */
  async close() {
    await this.accessible();
    // What is under way while it closes is broken off by that, and no fault.
    const faults = [...this.faults];
    await this.context.close();
    if (faults.length > 0) throw new Error(faults.join('\n    '));
  }
}

/** Files that were just built instead of those in the binary, under the binary's own policy. */
async function fresh(context, dist) {
  await context.route('**/assets/*', (route) => {
    const path = join(dist, new URL(route.request().url()).pathname);
    return existsSync(path) ? route.fulfill({ path }) : route.fallback();
  });
  await context.route(
    (url) => !/^\/(api|assets|login\/)/.test(url.pathname),
    async (route) => {
      if (route.request().resourceType() !== 'document') return route.fallback();
      const response = await route.fetch({ maxRedirects: 0 });
      const { 'content-encoding': _coding, 'content-length': _length, ...headers } = response.headers();
      if (!/html/.test(headers['content-type'] ?? '') || headers['content-security-policy']?.includes("script-src 'self'") !== true) return route.fulfill({ response });
      return route.fulfill({ status: response.status(), headers, body: readFileSync(join(dist, 'index.html')) });
    },
  );
}

export function equal(found, wanted, what) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: ${a} instead of ${b}`);
}

export function holds(condition, what) {
  if (!condition) throw new Error(what);
}

/** As soon as it holds, or an error. */
export async function until(test, what, ms = 20_000) {
  const end = Date.now() + ms;
  for (;;) {
    const found = await test();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((later) => setTimeout(later, 50));
  }
}
