import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { wrapApplication } from '../../sidecar/wrapper.ts';
import { RecordedLog } from './recorded-log.ts';
import { until } from './until.ts';

/**
 * Wraps a script for a shell.
 * @param grace ms
 * @param stopSignal what tells it to stop, once the script has made the file in its first argument
 * @returns its exit code, and how long the sidecar may take to stop after it
 */
async function wrap(
  t: TestContext,
  script: string,
  grace: number,
  stopSignal: Promise<NodeJS.Signals> = Promise.resolve('SIGTERM'),
) {
  const folder = mkdtempSync(join(tmpdir(), 'outrider-wrapper-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const ready = join(folder, 'ready');
  const graces: number[] = [];
  const code = await wrapApplication(['sh', '-c', script, 'sh', ready], {
    program: { log: new RecordedLog().log, stopSignal, insistBy() {} },
    sidecar: { grace, drain: () => until(() => existsSync(ready), 'the application') },
    async stop(left) {
      graces.push(left);
    },
  });
  return { code, graces };
}

const NEVER_ENDS = `trap '' TERM; : > "$1"; while :; do sleep 1; done`;

test('the sidecar gets what the application has left of stop.grace', async t => {
  const script = `trap 'sleep 0.3; kill $!; exit 3' TERM; sleep 30 & : > "$1"; wait`;
  const { code, graces } = await wrap(t, script, 60_000);
  assert.equal(code, 3);
  assert.equal(graces.length, 1);
  assert.ok(graces[0]! <= 59_750 && graces[0]! > 1000, `${graces}`);
});

test('after an application that has used it up, it gets a second', async t => {
  const { code, graces } = await wrap(t, NEVER_ENDS, 1500);
  assert.deepEqual([code, graces], [137, [1000]]);
});

test('it never gets more than the whole', async t => {
  const { graces } = await wrap(t, NEVER_ENDS, 100);
  assert.deepEqual(graces, [100]);
});

test('an application that ends by itself leaves all of it', async t => {
  const { code, graces } = await wrap(t, 'exit 4', 5000, new Promise(() => {}));
  assert.deepEqual([code, graces], [4, [5000]]);
});
