import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counter, gauge, single } from '../../process/collected-metric.ts';
import { metricsText } from '../../process/metrics-text.ts';

test('each metric is collected anew, and written with its help, type and labels', async () => {
  let count = 0;
  const metrics = [
    counter('a_total', 'How many.', () => single(++count)),
    gauge('b', 'What for.', async () => [{ labels: { of: 'x' }, value: 2 }]),
  ];
  await metricsText(metrics);
  assert.equal(
    await metricsText(metrics),
    [
      '# HELP a_total How many.',
      '# TYPE a_total counter',
      'a_total 2',
      '',
      '# HELP b What for.',
      '# TYPE b gauge',
      'b{of="x"} 2',
      '',
    ].join('\n'),
  );
});
