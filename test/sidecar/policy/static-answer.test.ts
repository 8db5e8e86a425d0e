import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StaticAnswer } from '../../../sidecar/policy/static-answer.ts';

const made = (status: number, body: string | null = null, headers: Record<string, string | number> = {}) =>
  new StaticAnswer({ methods: 'safe', status, body, headers });

test('has the status, the headers and the body of the policy, and its length in bytes', () => {
  const answer = made(503, '{"é":1}', { 'content-type': 'application/json', 'retry-after': 30 });
  const head = answer.head(['date', 'now'], false);
  assert.deepEqual([head.status, head.reason, head.bodyLength], [503, 'Service Unavailable', 8]);
  assert.deepEqual(head.fields, [
    ...['content-type', 'application/json', 'retry-after', '30', 'content-length', '8', 'date', 'now'],
  ]);
  assert.equal(answer.body.toString(), '{"é":1}');
});

test('a body is text unless it says otherwise; none has no type', () => {
  assert.deepEqual(made(200, 'x').head([], false).fields, [
    ...['content-type', 'text/plain; charset=utf-8', 'content-length', '1'],
  ]);
  assert.deepEqual(made(200).head([], false).fields, ['content-length', '0']);
});

test('a HEAD gets the length and no body', () => {
  const head = made(200, 'four').head([], true);
  assert.deepEqual([head.bodyLength, head.fields.slice(-2)], [0, ['content-length', '4']]);
});

test('a 204 and a 304 have neither body nor length', () => {
  for (const status of [204, 304]) {
    const answer = made(status, 'in vain');
    assert.deepEqual(answer.head([], false).fields, []);
    assert.deepEqual([answer.head([], false).bodyLength, answer.body.length], [0, 0]);
  }
});
