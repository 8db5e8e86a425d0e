import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LookupsInTurn } from '../../../sidecar/io/lookups-in-turn.ts';

test('looks up two names at once, each once, and the others after them', async () => {
  const underWay = new Map<string, (addresses: string[] | Error) => void>();
  const started: string[] = [];
  const lookups = new LookupsInTurn(name => {
    started.push(name);
    return new Promise((resolve, reject) => {
      underWay.set(name, found => (found instanceof Error ? reject(found) : resolve(found)));
    });
  });
  const a = lookups.lookUp('a');
  const b = lookups.lookUp('b');
  const again = lookups.lookUp('a');
  const c = lookups.lookUp('c');
  const d = lookups.lookUp('d');
  await nextTurn();
  assert.deepEqual(started, ['a', 'b']);

  underWay.get('a')!(new Error('nobody knows'));
  await assert.rejects(a, { message: 'nobody knows' });
  await assert.rejects(again, { message: 'nobody knows' });
  await nextTurn();
  assert.deepEqual(started, ['a', 'b', 'c']);

  underWay.get('b')!(['10.0.0.2']);
  underWay.get('c')!(['10.0.0.3']);
  assert.deepEqual([await b, await c], [['10.0.0.2'], ['10.0.0.3']]);
  await nextTurn();
  underWay.get('d')!(['10.0.0.4']);
  assert.deepEqual(await d, ['10.0.0.4']);
});
