import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseOptions, UsageError } from '../../../../examples/shop/runner/options.ts';

describe('the runner’s options', () => {
  it('have defaults that run until told to stop', () => {
    assert.deepEqual(parseOptions([]), { forMs: null, rate: 50, kills: true, outage: null, port: null });
  });

  it('take a value after a blank or an equals sign', () => {
    assert.deepEqual(parseOptions(['--for', '20s', '--rate=7', '--port', '8081', '--no-kills']), {
      forMs: 20_000,
      rate: 7,
      kills: false,
      outage: null,
      port: 8081,
    });
  });

  it('name a service that is away for a while, instead of kills', () => {
    const options = parseOptions(['--outage', 'delivery']);
    assert.deepEqual([options?.outage, options?.kills], ['delivery', false]);
  });

  for (const [text, ms] of [
    ['250ms', 250],
    ['1.5s', 1500],
    ['2m', 120_000],
    ['1h', 3_600_000],
  ] as const) {
    it(`read ${text} as ${ms} ms`, () => assert.equal(parseOptions(['--for', text])?.forMs, ms));
  }

  it('are null where only help is asked for', () => assert.equal(parseOptions(['--help']), null));

  for (const [args, message] of [
    [['--for', '20'], /--for takes a duration like 20s or 5m, not '20'/],
    [['--for', '0s'], /--for takes/],
    [['--for', '-5s'], /--for/],
    [['--for'], /--for <value>' argument missing/],
    [['--rate', '0'], /--rate takes a number from 1 to 2000, not '0'/],
    [['--rate', '2001'], /--rate takes/],
    [['--rate', '1e3'], /--rate takes/],
    [['--port', '65536'], /--port takes a number from 1 to 65535/],
    [['--outage', 'gateway'], /--outage takes one of orders, kitchen, delivery, accounting, not 'gateway'/],
    [['--fro', '20s'], /^Unknown option '--fro'$/],
    [['--no-kills=yes'], /--no-kills/],
    [['20s'], /^Unexpected argument '20s'/],
  ] as const) {
    it(`refuse ${args.join(' ')}`, () => {
      assert.throws(
        () => parseOptions(args),
        error => error instanceof UsageError && message.test(error.message),
      );
    });
  }
});
