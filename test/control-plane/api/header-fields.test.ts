import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiProblem } from '../../../control-plane/api/api-problem.ts';
import {
  type HeaderField,
  IF_ABSENT,
  IF_MATCH,
  IF_NONE_MATCH,
  SIDECAR_ID,
} from '../../../control-plane/api/header-fields.ts';
import { startControlPlane } from '../running.ts';

for (const [field, text, value] of [
  [IF_MATCH, '*', 'present'],
  [IF_MATCH, '"42"', [42]],
  [IF_MATCH, 'W/"42"', []],
  [IF_MATCH, '"042"', []],
  [IF_MATCH, '"a,b"', []],
  [IF_MATCH, '""', []],
  [IF_MATCH, '"1", W/"2" ,"3","x"', [1, 3]],
  [IF_MATCH, '42', null],
  [IF_MATCH, '"1" "2"', null],
  [IF_MATCH, '*, "1"', null],
  [IF_ABSENT, '*', 'absent'],
  [IF_ABSENT, '"42"', null],
  [IF_NONE_MATCH, '"1", W/"2"', ['"1"', '"2"']],
  [IF_NONE_MATCH, '*', ['*']],
  [SIDECAR_ID, 's-1', 's-1'],
  [SIDECAR_ID, 's 1', null],
  [SIDECAR_ID, 'x'.repeat(257), null],
] as [HeaderField<unknown>, string, unknown][]) {
  const outcome = value === null ? 'refused' : `read as ${JSON.stringify(value)}`;
  test(`${field.name}: ${text.slice(0, 20)} is ${outcome}`, () => {
    if (value !== null) return assert.deepEqual(field.read(text), value);
    assert.throws(
      () => field.read(text),
      error => error instanceof ApiProblem && error.status === 400 && error.message.includes(field.name),
    );
  });
}

test('what a call heeds is what its description says, and the other way round', async t => {
  const api = await startControlPlane(t, { services: { inventory: {} } });
  const { paths } = (await api.call('GET', '/openapi.json')).body;
  const headersOf = (path: string, method: string): string[] =>
    paths[path][method].parameters
      .filter((parameter: { in: string }) => parameter.in === 'header')
      .map(({ name }: { name: string }) => name);
  const service = '/v1/services/{service}';
  assert.deepEqual(headersOf(service, 'get'), ['If-None-Match']);
  assert.deepEqual(headersOf(service, 'put'), ['If-Match', 'If-None-Match']);
  assert.deepEqual(headersOf(service, 'delete'), ['If-Match', 'If-None-Match']);
  assert.deepEqual(headersOf(`${service}/instances/{id}`, 'put'), [SIDECAR_ID.name]);
  const remove = (headers: Record<string, string>) =>
    api.call('DELETE', '/v1/services/inventory', { headers });
  assert.equal((await remove({ 'if-none-match': '*' })).status, 412);
  const { status, body } = await remove({ 'if-none-match': '*', 'if-match': '*' });
  assert.deepEqual(
    [status, body.detail],
    [400, 'If-Match and If-None-Match contradict each other: send one of them.'],
  );
  assert.equal((await remove({ 'if-match': '*' })).status, 204);
});
