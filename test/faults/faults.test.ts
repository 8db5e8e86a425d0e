import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Figures } from './figures.ts';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Nothing keeps requests away from a bad endpoint: a third of them fail. */
const BARE = JSON.stringify({ balancer: 'round-robin', retry: { attempts: 1 }, outliers: 'off' });

function faults(...args: string[]): Promise<{ code: number; output: string }> {
  const line = [
    '--import',
    'tsx',
    'test/faults/main.ts',
    '--proxies',
    'outrider',
    '--bundle',
    'bin/outrider.js',
  ];
  return new Promise(resolve => {
    const child = execFile(process.execPath, [...line, ...args], { cwd: ROOT }, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr });
    });
  });
}

test('an endpoint that answers 503 is seen by callers without retries, and not with the defaults', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'outrider-faults-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const run = async (...args: string[]): Promise<[Figures, string]> => {
    const json = join(folder, 'figures.json');
    const { code, output } = await faults('--only', 'unavailable', '--seconds', '1', '--json', json, ...args);
    assert.equal(code, 0, output);
    const [{ rows }] = JSON.parse(readFileSync(json, 'utf8')).scenarios;
    return [rows.outrider.figures, output];
  };

  const [bare, said] = await run('--policy', BARE);
  assert.ok(bare.requests > 100, said);
  assert.ok(bare.failed > bare.requests / 10, said);
  assert.ok(bare.amplification < 1.05, said);
  // Every failure is one that the bad endpoint made; what reached it just before it turned bad was none.
  assert.ok(bare.failed <= Math.round((bare.shareToBad ?? 0) * bare.requests), said);
  assert.match(said, /^outrider, expected: failed GETs, at most 0: \d+\.00, NOT MET$/m);

  const [usual, saidOfIt] = await run();
  assert.equal(usual.failed, 0, saidOfIt);
  assert.ok(usual.amplification > 1, saidOfIt);
  assert.match(saidOfIt, /^outrider, expected: failed GETs, at most 0: 0\.00, met$/m);
});

test('says what is wrong with the command', async () => {
  const { code, output } = await faults('--only', 'kiled');
  assert.equal(code, 2);
  assert.match(output, /^--only: kiled is none of killed, .*\n\nnpm run faults -- \[options\]\n/);
});
