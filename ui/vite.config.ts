import { defineConfig } from 'vitest/config';

/** Where `npm run dev` finds a server: its API and its stream, under the page's own name. */
const server = process.env['ORCHESTRATE_URL'] ?? 'http://127.0.0.1:7070';

interface Headers {
  removeHeader(name: string): void;
}

/** The server takes changes only from pages of its own: here it is this one, under another port. */
const ours = {
  target: server,
  ws: true,
  changeOrigin: true,
  configure(proxy: { on(event: string, hear: (request: Headers) => void): unknown }): void {
    for (const event of ['proxyReq', 'proxyReqWs']) {
      proxy.on(event, (request) => {
        request.removeHeader('origin');
        request.removeHeader('sec-fetch-site');
      });
    }
  },
};

const proxy = { '/api': ours, '/login/': ours };

export default defineConfig({
  build: {
    assetsDir: 'assets',
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    target: 'es2022',
  },
  server: { host: '127.0.0.1', port: 5173, proxy, fs: { allow: ['..'] } },
  preview: { host: '127.0.0.1', port: 5173, proxy },
  test: { include: ['src/**/*.test.ts'], environment: 'node', testTimeout: 30_000 },
});
