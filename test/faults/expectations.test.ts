import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXPECTATIONS, judge } from './expectations.ts';
import { figures } from './figures-fixture.ts';
import { SCENARIOS } from './scenarios.ts';

const met = (scenario: string, given: Parameters<typeof figures>[0]) =>
  judge(scenario, figures(given)).map(verdict => verdict.met);

test('something is expected in each scenario, and in no other', () => {
  const known = SCENARIOS.map(({ name }) => name);
  const judged = new Set(EXPECTATIONS.flatMap(({ scenarios }) => scenarios));
  assert.deepEqual([...judged].sort(), [...known].sort());
});

test('where all is well, everything is met', () => {
  const well = figures({ shareToBad: 0.01, goodput: 0.995 });
  const missed = SCENARIOS.flatMap(({ name }) => judge(name, well)).filter(({ met }) => met !== true);
  assert.deepEqual(missed, []);
});

const MISSED: [string, Parameters<typeof figures>[0], boolean[]][] = [
  ['killed', { failedGets: 1 }, [false]],
  ['unavailable', { shareToBad: 0.0101 }, [true, false]],
  ['frozen', { failed: 1, slow: 6 }, [false, false]],
  ['frozen-of-2', { slow: 5 }, [true, true]],
  ['reset-post', { sentTwice: 1, failedPosts: 6 }, [false, false]],
  // In a shorter run, fewer.
  ['reset-post', { requests: 300, failedPosts: 2 }, [true, false]],
  ['idle', { failedGets: 1, failedPosts: 11, sentTwice: 1 }, [false, false, false]],
  ['torn-small', { wrong: 1, failedGets: 1 }, [false, false]],
  ['torn-large', { wrong: 0, torn: 11 }, [true, false]],
  ['nested-all', { amplification: 1.26, lostAnswers: 1 }, [false, false]],
  ['all-down', { slowestFailureMs: 5.1, recoveryMs: 101 }, [false, false]],
  ['overload-told', { goodput: 0.989, servedP99Ms: 26, failureP99Ms: 6 }, [false, false, false]],
  ['overload', { goodput: 0.99, servedP99Ms: 101 }, [true, false]],
  ['hang-up', { leftAndFinished: 1 }, [false]],
];
for (const [scenario, given, expected] of MISSED) {
  test(`${scenario}: judges ${JSON.stringify(given)}`, () =>
    assert.deepEqual(met(scenario, given), expected));
}

test('says both figures, and what was not measured', () => {
  const [, share] = judge('unavailable', figures());
  assert.deepEqual(share, {
    says: 'sent to the bad endpoint while it is bad',
    limit: 'at most 1 %',
    value: null,
    met: null,
  });
  assert.equal(judge('frozen', figures({ slow: 7 }))[1].value, 7);
});
