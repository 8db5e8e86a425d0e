import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ownAnswer, problemOf } from '../../../sidecar/downstream/problem.ts';
import { badRequest, FAILURES, type FailureKind, failure } from '../../../sidecar/exchange/failure.ts';
import { getField } from '../../../sidecar/exchange/fields.ts';

const DATE = 'Tue, 15 Nov 1994 08:12:31 GMT';

describe('a failure as an answer', () => {
  for (const kind of Object.keys(FAILURES) as FailureKind[]) {
    if (FAILURES[kind].status === 0) continue;
    test(kind, () => {
      const { head, body } = problemOf(failure(kind, 'inventory is not there.'), DATE);
      assert.equal(head.status, FAILURES[kind].status);
      assert.equal(getField(head.fields, 'content-type'), 'application/problem+json');
      assert.equal(getField(head.fields, 'x-outrider-error'), kind);
      assert.equal(getField(head.fields, 'content-length'), String(body.length));
      assert.equal(getField(head.fields, 'date'), DATE);
      const problem = JSON.parse(body.toString());
      assert.deepEqual(
        [problem.status, problem.code, problem.detail],
        [head.status, kind, 'inventory is not there.'],
      );
      assert.equal(problem.title, head.reason);
    });
  }

  test('a refused request keeps the status that fits', () => {
    const { head, body } = problemOf(badRequest(431, 'too large'), DATE);
    assert.equal(head.status, 431);
    assert.equal(JSON.parse(body.toString()).title, 'Request Header Fields Too Large');
  });

  test('whatever its detail says, it stays one line of JSON', () => {
    const detail = 'a "quoted"\r\n\u2028 h\u00f4te';
    const { head, body } = problemOf(failure('reset', detail), DATE);
    assert.equal(JSON.parse(body.toString()).detail, detail);
    assert.equal(body.toString().trimEnd().includes('\n'), false);
    assert.equal(getField(head.fields, 'content-length'), String(body.length));
  });
});

test('an answer of the own has the length of its bytes', () => {
  const { head, body } = ownAnswer(200, 'h\u00f4te', DATE, ['X-A', '1']);
  assert.deepEqual(head.fields, ['X-A', '1', 'Content-Length', '5', 'Date', DATE]);
  assert.equal(head.bodyLength, body.length);
});
