import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ResponseHead } from '../../../sidecar/exchange/service.ts';
import { CacheRules } from '../../../sidecar/policy/cache-rules.ts';
import { aCompleteBody, anExchange, aResponseHead, type ExchangeParts } from '../exchanges.ts';

type Settings = Partial<ConstructorParameters<typeof CacheRules>[0]>;

const rules = (settings: Settings = {}) => new CacheRules({ vary: [], ignore: [], ...settings });

describe('requests', () => {
  const covers = (exchange: ExchangeParts, settings?: Settings) =>
    rules(settings).covers(anExchange(exchange));

  for (const [what, exchange, is] of [
    ['a GET', {}, true],
    ['a HEAD', { method: 'HEAD' }, true],
    ['a POST', { method: 'POST' }, false],
    ['a GET with a body', { body: aCompleteBody('query') }, false],
    ['a GET that asks for another protocol', { upgrade: 'websocket' }, false],
    ['a GET with authorization', { fields: ['Authorization', 'Bearer x'] }, false],
    ['a GET with a cookie', { fields: ['Cookie', 'session=1'] }, false],
  ] as [string, ExchangeParts, boolean][]) {
    test(`${what}: ${is ? 'covered' : 'left alone'}`, () => assert.equal(covers(exchange), is));
  }

  test('credentials that do not matter, or that tell answers apart, leave it covered', () => {
    const fields = ['Authorization', 'Bearer x'];
    assert.equal(covers({ fields }, { ignore: ['authorization'] }), true);
    assert.equal(covers({ fields }, { vary: ['Authorization'] }), true);
    assert.equal(covers({ fields }, { ignore: ['cookie'], vary: ['x-tenant'] }), false);
  });
});

describe('answers', () => {
  const judge = (head: Partial<ResponseHead>, settings?: Settings, requestFields: string[] = []) =>
    rules(settings).judge(aResponseHead(head), requestFields);
  const saying = (control: string, settings?: Settings) =>
    judge({ fields: ['Cache-Control', control] }, settings);

  for (const status of [200, 203, 204]) {
    test(`of ${status} are kept`, () => assert.notEqual(judge({ status }), null));
  }
  for (const status of [201, 206, 301, 304, 404, 500, 503]) {
    test(`of ${status} are not`, () => assert.equal(judge({ status }), null));
  }

  test('that nobody can tell to be whole, or that are no answers, are not', () => {
    assert.equal(judge({ endsWithConnection: true }), null);
    assert.equal(judge({ tunnel: true }), null);
  });

  test('that say nothing may get as old as the policy says', () => {
    assert.deepEqual(judge({ fields: ['ETag', '"1"'] }), {
      vary: [],
      fields: ['ETag', '"1"'],
      age: 0,
      usableFor: Number.POSITIVE_INFINITY,
    });
  });

  test('are as old as they say', () => {
    const judged = judge({ fields: ['Age', '20', 'x', '1'] });
    assert.deepEqual([judged?.age, judged?.fields], [20_000, ['x', '1']]);
    assert.equal(judge({ fields: ['Age', 'old'] })?.age, 0);
    assert.equal(judge({ fields: ['Age', '20', 'Age', '3'] })?.age, 20_000);
    assert.equal(judge({ fields: ['Age', '99999999999'] })?.age, 2 ** 31 * 1000);
  });

  test('depend on what the policy says and on what they say', () => {
    const head = { fields: ['Vary', 'Accept-Encoding, x-b', 'vary', 'x-a'] };
    assert.deepEqual(judge(head, { vary: ['X-C', 'x-a'] })?.vary, ['accept-encoding', 'x-a', 'x-b', 'x-c']);
    assert.equal(judge({ fields: ['Vary', 'x-a, *'] }), null);
    const many = Array.from({ length: 65 }, (_, i) => `x-${i}`);
    assert.notEqual(judge({ fields: ['Vary', many.slice(1).join()] }), null);
    assert.equal(judge({ fields: ['Vary', many.join()] }), null);
  });

  test('with a cookie are not kept, and where cookies do not matter without it', () => {
    const head = { fields: ['Set-Cookie', 'session=1', 'x', '1'] };
    assert.equal(judge(head), null);
    assert.deepEqual(judge(head, { ignore: ['set-cookie'] })?.fields, ['x', '1']);
  });

  test('that stand in for others are not kept', () =>
    assert.equal(judge({ fields: ['x-outrider-fallback', 'static'] }), null));

  test('to a request that forbids it are not kept', () => {
    assert.equal(judge({}, {}, ['Cache-Control', 'no-store']), null);
    assert.notEqual(judge({}, { ignore: ['cache-control'] }, ['Cache-Control', 'no-store']), null);
  });

  for (const [control, seconds] of [
    ['no-store', null],
    ['max-age=60, Private', null],
    ['no-cache="set-cookie"', null],
    ['max-age=0, must-revalidate', null],
    ['max-age=60, must-revalidate', 60],
    ['max-age=60, proxy-revalidate', 60],
    ['s-maxage=10, max-age=60', 10],
    ['max-age=60, stale-if-error=30', 90],
    ['s-maxage=10, stale-if-error="30"', 40],
    ['stale-if-error=30', 30],
    ['stale-if-error=0', null],
    ['max-age=60, stale-if-error=30, must-revalidate', 60],
    ['max-age=never, must-revalidate', null],
    ['public, max-age=0', Number.POSITIVE_INFINITY],
    ['max-age=5', Number.POSITIVE_INFINITY],
  ] as [string, number | null][]) {
    test(`that say ${control}: ${seconds === null ? 'not kept' : `for ${seconds} s`}`, () => {
      const judged = saying(control);
      assert.equal(judged === null ? null : judged.usableFor / 1000, seconds);
      assert.equal(saying(control, { ignore: ['cache-control'] })?.usableFor, Number.POSITIVE_INFINITY);
    });
  }

  test('that are too old already are not kept', () => {
    assert.equal(judge({ fields: ['Age', '60', 'Cache-Control', 'max-age=60, must-revalidate'] }), null);
  });
});
