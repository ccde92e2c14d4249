// The browser that looks: Debian's Chromium, or with --firefox Debian's Firefox by WebDriver BiDi.
import { chromium, firefox } from 'playwright-core';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export const isFirefox = process.argv.includes('--firefox');

export async function launch() {
  if (!isFirefox) {
    const args = process.env.UI_DIST ? [...FLAGS, '--disable-features=LocalNetworkAccessChecks'] : FLAGS;
    return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args });
  }
  const browser = await firefox.launch({ channel: 'moz-firefox', executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr' });
  // Said for every context, whether a colour scheme is wished or not, and not known to the extended support release.
  const session = browser._connection.toImpl(browser)._browserSession;
  const send = session.send.bind(session);
  session.send = async (method, params) => (method === 'emulation.setMediaFeaturesOverride' ? {} : send(method, params));
  return browser;
}
