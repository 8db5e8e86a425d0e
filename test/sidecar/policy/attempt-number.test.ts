import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markFurtherAttempt, outerAttempt } from '../../../sidecar/policy/attempt-number.ts';
import { anExchange } from '../exchanges.ts';

const FIELD = 'X-Outrider-Attempt';

for (const [fields, attempt] of [
  [[], 1],
  [[FIELD, '1'], 1],
  [[FIELD, '2'], 2],
  [[FIELD, '17'], 17],
  [[FIELD, '100'], 2],
  [[FIELD, 'many'], 2],
] as const)
  test(`${fields.join(': ') || 'nothing'} is attempt ${attempt}`, () =>
    assert.equal(outerAttempt(anExchange({ fields: [...fields] })), attempt));

test('further attempts count on from what the request said', () => {
  const fresh = anExchange({ fields: ['Host', 'x'] });
  markFurtherAttempt(fresh);
  assert.deepEqual(fresh.head.fields, ['Host', 'x', 'x-outrider-attempt', '2']);
  assert.equal(outerAttempt(fresh), 1);
  markFurtherAttempt(fresh);
  assert.deepEqual(fresh.head.fields, ['Host', 'x', 'x-outrider-attempt', '3']);

  const nested = anExchange({ fields: [FIELD, '3'] });
  markFurtherAttempt(nested);
  assert.deepEqual(nested.head.fields, [FIELD, '4']);
});
