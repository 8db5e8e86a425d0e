import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AccessLogEntry, toLine, toText } from '../../../sidecar/telemetry/access-log-entry.ts';

function entryOf(values: Partial<AccessLogEntry>): AccessLogEntry {
  return Object.assign(new AccessLogEntry(), values);
}

describe('secrets', () => {
  const cases: [target: string, shown: string][] = [
    ['/a?b=c&d', '/a?b=c&d'],
    ['/a?access_token=abc&page=2', '/a?access_token=***&page=2'],
    ['/a?page=2&API-Key=abc', '/a?page=2&API-Key=***'],
    ['/a?password=a=b', '/a?password=***'],
    ['/a?sig=abc&design=abc', '/a?sig=***&design=abc'],
    ['/a?token', '/a?token'],
    ['/a?x=1?token=abc', '/a?x=1?token=abc'],
    ['/a?', '/a?'],
    ['/mirror/http://user:pass@host/x', '/mirror/http://host/x'],
    ['/a?to=http://user:pass@host/x', '/a?to=http://host/x'],
    ['/@scope/package', '/@scope/package'],
    ['*', '*'],
  ];
  for (const [target, shown] of cases) {
    test(`${target} is shown as ${shown}`, () => {
      assert.equal(toLine(entryOf({ target }), 0).path, shown);
    });
  }

  test('an authority is shown without who it is for', () => {
    assert.equal(toLine(entryOf({ authority: 'user:pass@inventory:80' }), 0).authority, 'inventory:80');
  });
});

test('values are cut to a bound, and show that they are', () => {
  const long = '/'.padEnd(100_000, 'a');
  const line = toLine(
    entryOf({ target: long, authority: long, requestId: long, detail: long, method: long }),
    0,
  );
  assert.equal(line.path, `${long.slice(0, 1024)}…`);
  assert.equal(line.requestId?.length, 129);
  assert.ok(JSON.stringify(line).length < 3000);
});

test('a target made to be slow to look through is not', () => {
  const started = performance.now();
  for (const part of ['token', '//', '@', '&token=', '//@', '?&=']) {
    toLine(entryOf({ target: `/?${part.repeat(20_000)}` }), 0);
  }
  assert.ok(performance.now() - started < 250);
});

test('in text, no value can pretend to be another one or another line', () => {
  const text = toText(
    toLine(entryOf({ requestId: 'a b\nc\\é', target: '/\r\n200', method: '\u001b[2J' }), 0),
  );
  assert.match(text, /^[\x20-\x7e]*$/);
  assert.ok(text.includes(' id=a\\u0020b\\u000ac\\\\\\u00e9'));
  assert.ok(text.includes(' /\\u000d\\u000a200 '));
});

test('in text, what is not known is a dash', () => {
  assert.equal(
    toText(toLine(entryOf({ status: 400 }), 0)),
    '1970-01-01T00:00:00.000Z - - - 400 - 0ms -@- in=0 out=0 attempts=0',
  );
});

test('what stood in for an answer is told with what it stood in for', () => {
  const failed = toLine(entryOf({ status: 200, fallback: 'cached', error: 'reset' }), 0);
  assert.deepEqual([failed.fallback, failed.error, failed.coveredStatus], ['cached', 'reset', undefined]);
  assert.match(toText(failed), / fallback=cached .*error=reset/);
  const answered = toLine(entryOf({ status: 200, fallback: 'static', coveredStatus: 503 }), 0);
  assert.deepEqual([answered.fallback, answered.coveredStatus], ['static', 503]);
  assert.match(toText(answered), / fallback=static covered=503/);
  const plain = toLine(entryOf({ status: 200 }), 0);
  assert.deepEqual([plain.fallback, plain.coveredStatus], [undefined, undefined]);
});

describe('what attempts came to', () => {
  const a = (cameTo: number | 'reset' | 'moved') => ({ endpoint: '10.0.0.1:80', cameTo });
  const b = (cameTo: number | 'reset') => ({ endpoint: '10.0.0.2:80', cameTo });
  const triedOf = (values: Partial<AccessLogEntry>) => toLine(entryOf(values), 0).tried;

  test('is told of each, in order', () => {
    const line = toLine(entryOf({ ends: [a('reset'), b(503), a(200)], status: 200 }), 0);
    assert.deepEqual(line.tried, ['10.0.0.1:80 reset', '10.0.0.2:80 503', '10.0.0.1:80 200']);
    assert.match(toText(line), / tried=10\.0\.0\.1:80=reset,10\.0\.0\.2:80=503,10\.0\.0\.1:80=200( |$)/);
  });

  test('is told of one where the line says something else, and else it is not', () => {
    assert.deepEqual(triedOf({ ends: [a('reset')], error: 'deadline', status: 504 }), ['10.0.0.1:80 reset']);
    assert.equal(triedOf({ ends: [a('reset')], error: 'reset', status: 503 }), undefined);
    assert.equal(triedOf({ ends: [a(503)], status: 503 }), undefined);
    assert.equal(triedOf({ status: 200 }), undefined);
  });
});
