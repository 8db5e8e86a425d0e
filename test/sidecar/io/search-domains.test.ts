import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completions, parseSearchDomains, readSearchDomains } from '../../../sidecar/io/search-domains.ts';

for (const [text, expected] of [
  ['', { domains: [], ndots: 1 }],
  [
    'nameserver 127.0.0.11\nsearch a.test b.test\noptions edns0 ndots:0',
    { domains: ['a.test', 'b.test'], ndots: 0 },
  ],
  ['search a.test\ndomain b.test c.test', { domains: ['b.test'], ndots: 1 }],
  ['search .\noptions ndots:99', { domains: [], ndots: 15 }],
  [
    '#search a.test\n;search b.test\nsearch 1 2 3 4 5 6 7',
    { domains: ['1', '2', '3', '4', '5', '6'], ndots: 1 },
  ],
] as const) {
  test(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(parseSearchDomains(text), expected));
}

test('where there is no file, nothing is searched', () => {
  assert.deepEqual(readSearchDomains('/nowhere/resolv.conf'), { domains: [], ndots: 1 });
});

for (const [name, ndots, expected] of [
  ['inventory', 1, ['inventory.a.test', 'inventory.b.test', 'inventory']],
  ['inventory', 0, ['inventory', 'inventory.a.test', 'inventory.b.test']],
  ['inventory.shop', 1, ['inventory.shop', 'inventory.shop.a.test', 'inventory.shop.b.test']],
  ['inventory.shop', 2, ['inventory.shop.a.test', 'inventory.shop.b.test', 'inventory.shop']],
  ['inventory.', 5, ['inventory.']],
] as const) {
  test(`completes ${name} with ndots:${ndots}`, () => {
    assert.deepEqual(completions(name, { domains: ['a.test', 'b.test'], ndots }), expected);
  });
}
