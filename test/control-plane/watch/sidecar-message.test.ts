import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadMessage, readSidecarMessage } from '../../../control-plane/watch/sidecar-message.ts';
import { hello } from './hubs.ts';

test('a sidecar’s messages are read as they are', () => {
  const messages = [
    hello(),
    hello({ known: { epoch: 'e', revision: 3 } }),
    { type: 'watch', services: ['a', 'b.c'] },
    { type: 'applied', revision: 0 },
    { type: 'refused', revision: 1, service: 'a', reason: 'x' },
    { type: 'heartbeat' },
  ];
  for (const message of messages) assert.deepEqual(readSidecarMessage(JSON.stringify(message)), message);
});

test('anything else is refused with a reason', () => {
  const bad = [
    'no json',
    'null',
    '[]',
    '{"type":"sync"}',
    '{}',
    '{"type":"applied","revision":-1}',
    '{"type":"applied","revision":1.5}',
    '{"type":"watch","services":["UPPER"]}',
    '{"type":"watch","services":"a"}',
    JSON.stringify({ ...hello(), sidecar: '' }),
    JSON.stringify({ ...hello(), known: { epoch: 'e' } }),
    JSON.stringify({ type: 'watch', services: Array.from({ length: 3000 }, () => 'a') }),
  ];
  for (const line of bad) {
    const message = readSidecarMessage(line);
    assert.ok(message instanceof BadMessage, line);
    assert.notEqual(message.reason, '');
  }
});
