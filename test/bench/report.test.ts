import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measurement } from './measurement-fixture.ts';
import { renderScenario, scenarioToJson } from './report.ts';
import { SCENARIOS } from './scenarios.ts';

const scenario = SCENARIOS.find(({ name }) => name === 'small-get')!;
const rows = new Map([
  [
    'outrider',
    [14, 16, 15].map(cpuUs => measurement({ cpuUs, requestsPerSecond: 50_000, residentBytes: 100e6 })),
  ],
  [
    'haproxy',
    [10, 16, 12.5].map(cpuUs => measurement({ cpuUs, requestsPerSecond: 40_000, errors: { ECONNRESET: 2 } })),
  ],
]);

test('shows medians with their spread, ratios, errors, and whether expectations are met', () => {
  const text = renderScenario({ scenario, rows }, ['outrider'], 20);
  assert.match(text, /^outrider {2}15\.0 \(14\.0-16\.0\) .* 50000 /m);
  assert.match(text, /^outrider to haproxy: CPU × 1\.20, rate × 1\.25$/m);
  assert.match(text, /^haproxy had errors: 6 × ECONNRESET$/m);
  assert.match(text, /haproxy's, at most 1\.2 ×: 1\.20, met$/m);
  assert.match(text, /envoy's, at most 0\.6 ×: not measured$/m);
  assert.match(text, /resident memory under load, at most 90 MB: 100\.00, NOT MET$/m);
});

test('says when the machine was not quiet', () => {
  const rowsWith = (disturbance: number) => new Map([['haproxy', [measurement({ disturbance })]]]);
  assert.match(
    renderScenario({ scenario, rows: rowsWith(0.4) }, [], 24),
    /^not a quiet machine \(others had up to 40 % of the core\)/m,
  );
  assert.doesNotMatch(renderScenario({ scenario, rows: rowsWith(0.1) }, [], 24), /quiet/);
});

test('the file holds every round beside the medians', () => {
  const json = JSON.parse(JSON.stringify(scenarioToJson({ scenario, rows }, ['outrider'], 20)));
  assert.equal(json.rows.outrider.median.cpuUs, 15);
  assert.deepEqual(
    json.rows.outrider.rounds.map((round: { cpuUs: number }) => round.cpuUs),
    [14, 16, 15],
  );
  assert.equal(json.comparisons.outrider[0].cpu, 1.2);
  assert.equal(json.expectations.outrider[0].met, true);
});

test('says when a fixed rate was not held', () => {
  const fixed = SCENARIOS.find(({ name }) => name === 'fixed-rate')!;
  const held = (...rates: number[]) => rates.map(requestsPerSecond => measurement({ requestsPerSecond }));
  const text = renderScenario(
    {
      scenario: fixed,
      rows: new Map([
        ['outrider', held(10_001, 9_999)],
        ['envoy', held(10_000, 9_500)],
      ]),
    },
    ['outrider'],
    24,
  );
  assert.match(text, /^envoy did not hold the rate in every round: 9500 requests\/s$/m);
  assert.doesNotMatch(text, /^outrider did not hold/m);
});
