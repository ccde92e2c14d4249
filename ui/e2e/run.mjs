// `npm run e2e [-- --fast | --firefox] [-- J3 J8]`: the journeys through the real binary. ORCHESTRATE_BIN names it.
import { existsSync } from 'node:fs';
import { isFirefox } from './browser.mjs';
import { World } from './world.mjs';
import * as first from './journeys/first.mjs';
import * as runs from './journeys/runs.mjs';
import * as people from './journeys/people.mjs';
import * as define from './journeys/define.mjs';
import * as agents from './journeys/agents.mjs';
import * as files from './journeys/files.mjs';
import * as big from './journeys/large.mjs';
import * as keys from './journeys/keys.mjs';
import * as time from './journeys/time.mjs';
import * as fleet from './journeys/fleet.mjs';
import * as stranger from './journeys/stranger.mjs';

const binary = process.env.ORCHESTRATE_BIN ?? new URL('../../target/debug/orchestrate', import.meta.url).pathname;
if (!existsSync(binary)) {
  console.error(`no binary at ${binary}: build it (cargo build --package orchestrate) or name it in ORCHESTRATE_BIN`);
  process.exit(2);
}
/** Those that cross most of the page and take seconds each. */
const FAST = ['J1', 'J2', 'J3', 'J5', 'J6', 'J8', 'J9', 'J11', 'J13', 'J22', 'J26'];
/** Where browsers differ most: a tall log, previews and downloads, a large canvas. */
const FIREFOX = ['J8', 'J12', 'J23'];
const fast = process.argv.includes('--fast');
const named = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const wanted = fast ? FAST : isFirefox && named.length === 0 ? FIREFOX : named;
/** `J9` names J9b too, but not among the fast ones. */
const isWanted = (number) => wanted.length === 0 || wanted.includes(number) || (!fast && wanted.includes(number.replace(/[a-z]$/, '')));
const all = Object.entries({ ...first, ...runs, ...people, ...define, ...agents, ...files, ...keys, ...big, ...time, ...fleet, ...stranger }).sort(([a], [b]) => Number(/\d+/.exec(a)[0]) - Number(/\d+/.exec(b)[0]));
let [passed, failed] = [0, 0];
for (const [name, journey] of all) {
  const number = name.split('_')[0];
  if (!isWanted(number)) continue;
  const begun = Date.now();
  const world = await World.begin(binary);
  try {
    await journey(world);
    passed += 1;
    console.log(`ok      ${name.replaceAll('_', ' ')} (${((Date.now() - begun) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name.replaceAll('_', ' ')}\n    ${error.stack ?? error}`);
  } finally {
    await world.end().catch((error) => {
      failed += 1;
      console.log(`FAILED  ${name}: ${error.message}`);
    });
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
