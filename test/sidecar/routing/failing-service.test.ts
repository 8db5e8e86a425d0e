import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure } from '../../../sidecar/exchange/failure.ts';
import { ENDED_CALL } from '../../../sidecar/exchange/service.ts';
import { FailingService } from '../../../sidecar/routing/failing-service.ts';
import { anExchange } from '../exchanges.ts';
import { RecordedReply } from '../recorded-reply.ts';

test('every exchange fails at once, with a reason that may speak of it', () => {
  const service = new FailingService(({ head }) =>
    failure('no-route', `Nothing leads to ${head.authority}.`),
  );
  const reply = new RecordedReply();
  assert.equal(service.call(anExchange({ authority: 'example.com' }), reply), ENDED_CALL);
  assert.deepEqual(reply.told, ['no-route']);
  assert.equal(reply.failure?.detail, 'Nothing leads to example.com.');
});
