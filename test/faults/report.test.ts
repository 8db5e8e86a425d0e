import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figures } from './figures-fixture.ts';
import { putIntoPage, renderPage, renderScenario, type ScenarioResult, scenarioToJson } from './report.ts';
import { SCENARIOS } from './scenarios.ts';
import type { Trial } from './trial.ts';

function result(name: string, rows: Record<string, Partial<Trial>>): ScenarioResult {
  const scenario = SCENARIOS.find(candidate => candidate.name === name)!;
  const trials = Object.entries(rows).map(
    ([row, trial]) => [row, { figures: figures(), failedBefore: 0, heldUpMs: 3, ...trial }] as const,
  );
  return { scenario, rows: new Map(trials) };
}

test('shows a row for each proxy, and judges Outrider alone', () => {
  const shown = renderScenario(
    result('unavailable', {
      outrider: { figures: figures({ shareToBad: 0.012 }) },
      haproxy: { figures: figures({ failed: 4, failedGets: 4, slow: 2, amplification: 1.004 }) },
    }),
  );
  assert.match(shown, /^outrider +1500 +0 +0 +7\.0 +0\.0 +1\.00 +1\.2 %$/m);
  assert.match(shown, /^haproxy +1500 +4 +2 +7\.0 +0\.0 +1\.00 +-$/m);
  assert.match(shown, /^outrider, expected: failed GETs, at most 0: 0\.00, met$/m);
  assert.match(shown, /bad endpoint while it is bad, at most 1 %: 1\.20, NOT MET$/m);
  assert.doesNotMatch(shown, /goodput|POST|torn|haproxy, expected/);
});

test('shows what a scenario is about beside what all have', () => {
  const shown = renderScenario(result('overload', { outrider: { figures: figures({ goodput: 0.993 }) } }));
  assert.match(shown, /goodput {2}served p99 ms {2}failed p99 ms {2}slowest$/m);
  assert.match(shown, / 99\.3 % +7\.0 +- +-$/m);
});

test('says of a run what makes its figures doubtful', () => {
  const shown = renderScenario(result('killed', { nginx: { failedBefore: 3, heldUpMs: 80 } }));
  assert.match(shown, /^nginx: 3 requests failed before anything was wrong$/m);
  assert.match(shown, /^nginx: the callers were held up for 80 ms/m);
});

test('the page has all of it, and nothing that was written by hand', () => {
  const results = [
    result('killed', { outrider: {}, nginx: { figures: figures({ failed: 2 }) } }),
    result('hang-up', { outrider: { figures: figures({ left: 600, leftAndFinished: 1 }) } }),
  ];
  const page = putIntoPage(
    'above\n<!-- made by npm run faults: begin -->\nold\n<!-- made by npm run faults: end -->\nbelow\n',
    renderPage(results, ['command   npm run faults']),
  );
  assert.match(page, /^above\n<!-- .* begin -->\n\n {4}command {3}npm run faults\n\n\| {2}\| proxy \|/);
  assert.match(page, /^\| 1 of 3 killed, and started again \| outrider \| 1500 \| 0 \|/m);
  assert.match(page, /^\| {2}\| nginx \| 1500 \| 2 \|/m);
  assert.match(page, /\| hung up 600, done all the same 1 \|$/m);
  assert.match(page, /\| given up and done all the same: at most 0 \| 1 \| NOT MET \|$/m);
  assert.match(page, /\n\n<!-- .* end -->\nbelow\n$/);
  assert.doesNotMatch(page, /old|not quiet/);
});

test('a page without a place for it is left alone', () => {
  assert.throws(
    () => putIntoPage('above\n', 'tables'),
    /the page has no <!-- made by npm run faults: begin -->/,
  );
});

test('the data has each row with its figures', () => {
  const data = JSON.parse(JSON.stringify(scenarioToJson(result('killed', { outrider: {} }))));
  assert.equal(data.rows.outrider.figures.requests, 1_500);
  assert.deepEqual(data.expectations, [{ says: 'failed GETs', limit: 'at most 0', value: 0, met: true }]);
});
