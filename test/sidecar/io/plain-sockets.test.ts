import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** What is tested once more without the runtime's handles, as on a runtime whose inside is not as expected. */
const FILES = [
  'io/connect.test.ts',
  'upstream/upstream-connection.test.ts',
  'upstream/connection-pool-model.test.ts',
  'downstream/egress-listeners.test.ts',
  'data-path.test.ts',
  '../e2e/tunnels.test.ts',
  '../e2e/messages.test.ts',
].map(name => fileURLToPath(new URL(`../${name}`, import.meta.url)));

test('the data path is the same by public API alone', async () => {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', '--test', '--test-reporter=spec', ...FILES], {
    env: { ...env, OUTRIDER_PLAIN_SOCKETS: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    output += text;
  });
  const [code] = await once(child, 'close');
  assert.equal(code, 0, output);
  assert.match(output, /^ℹ pass [1-9]/m);
});
