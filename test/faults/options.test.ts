import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Options, PROXIES, parseOptions } from './options.ts';
import { SCENARIOS } from './scenarios.ts';

const parse = (...args: string[]): Options => {
  const options = parseOptions(args);
  assert.ok(options !== 'help');
  return options;
};

test('without options everything runs with everybody', () => {
  const options = parse();
  assert.deepEqual([options.only.length, options.proxies], [SCENARIOS.length, PROXIES]);
  assert.deepEqual([options.faultMs, options.write, options.policy], [5_000, false, null]);
});

test('takes what it is told', () => {
  const options = parse(
    '--only',
    'slow,killed',
    '--proxies',
    'nginx',
    '--seconds',
    '0.5',
    '--policy',
    '{"retry":{}}',
  );
  // In the order of the whole run.
  assert.deepEqual(options.only, ['killed', 'slow']);
  assert.deepEqual([options.proxies, options.faultMs, options.policy], [['nginx'], 500, { retry: {} }]);
  assert.equal(parseOptions(['--help']), 'help');
});

const REFUSED: [string[], RegExp][] = [
  [['--only', 'kiled'], /--only: kiled is none of killed, /],
  [['--proxies', 'caddy'], /--proxies: caddy is none of outrider, /],
  [['--seconds', '0'], /--seconds: 0 is not a number above 0/],
  [['--node', '/nowhere'], /--node: \/nowhere is no Node/],
  [['--bundle', '/nowhere.js'], /--bundle: there is no \/nowhere\.js/],
  [['--policy', 'retry: off'], /--policy: retry: off is no JSON object/],
  [['--policy', '3'], /--policy: 3 is no JSON object/],
  [['--write', '--only', 'killed'], /--write: the page shows a run of everything, without --only/],
  [['--write', '--seconds', '1'], /without --seconds/],
  [['--fast'], /--fast/],
];
for (const [args, reason] of REFUSED) {
  test(`refuses ${args.join(' ')}`, () => assert.throws(() => parse(...args), reason));
}
