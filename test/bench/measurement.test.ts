import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { LoadSide } from './load-side.ts';
import { measure } from './measurement.ts';
import type { TestedProxy } from './peers/tested-proxy.ts';
import { SCENARIOS } from './scenarios.ts';

/** A proxy that passes bytes on, and one that answers with another status to every tenth connection. */
const PIPE = `
const { connect, createServer } = require('node:net');
const [port, upstream, failing] = process.argv.slice(2);
let count = 0;
createServer({ noDelay: true }, socket => {
  if (failing === 'failing' && ++count % 10 === 0) {
    socket.end('HTTP/1.1 503 Service Unavailable\\r\\nContent-Length: 0\\r\\n\\r\\n');
    return;
  }
  const other = connect({ host: '127.0.0.1', port: Number(upstream), noDelay: true });
  socket.pipe(other).pipe(socket);
  socket.on('error', () => other.destroy());
  other.on('error', () => socket.destroy());
}).listen(Number(port), '127.0.0.1');
`;

function pipe(kind: 'working' | 'failing' | 'broken'): TestedProxy {
  return {
    name: kind,
    version: '1',
    prepare({ port, upstreams, folder }) {
      const script = join(folder, 'pipe.cjs');
      writeFileSync(script, kind === 'broken' ? 'console.error("no config"); process.exit(3)' : PIPE);
      return { program: process.execPath, args: [script, String(port), String(upstreams[0]), kind] };
    },
  };
}

const TIMING = { warmupMs: 100, measureMs: 400 };
const scenario = (name: string) => SCENARIOS.find(candidate => candidate.name === name)!;
let load: LoadSide;
let folder: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'outrider-bench-test-'));
  load = await LoadSide.start(null);
});

after(async () => {
  await load.stop();
  rmSync(folder, { recursive: true, force: true });
});

for (const name of ['small-get', 'post-4k', 'get-1m', 'new-connection', 'fixed-rate']) {
  test(`measures ${name} through a proxy`, async () => {
    const measured = await measure(pipe('working'), scenario(name), TIMING, load, null, folder);
    assert.deepEqual(measured.errors, {});
    assert.ok((measured.requestsPerSecond ?? 0) > 10);
    assert.ok((measured.latency?.p50 ?? 0) > 0);
    assert.ok((measured.readyMs ?? 0) > 0);
    if (process.platform === 'linux') {
      assert.ok((measured.cpuUs ?? 0) > 0);
      assert.ok((measured.residentBytes ?? 0) > 10e6);
    }
  });
}

test('measures a start', async () => {
  const measured = await measure(pipe('working'), scenario('start'), TIMING, load, null, folder);
  assert.ok((measured.readyMs ?? 0) > 0);
  assert.equal(measured.cpuUs, null);
});

test('counts wrong answers', async () => {
  const measured = await measure(pipe('failing'), scenario('new-connection'), TIMING, load, null, folder);
  assert.ok(measured.errors['status line "HTTP/1.1 503 Service Unavailable"'] > 0);
});

test('says why a proxy did not start', async () => {
  await assert.rejects(
    measure(pipe('broken'), scenario('small-get'), TIMING, load, null, folder),
    /broken did not start: it ended with 3\nno config/,
  );
});
