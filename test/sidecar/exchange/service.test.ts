import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure } from '../../../sidecar/exchange/failure.ts';
import { ENDED_CALL, PassReply, type Reply, type ResponseHead } from '../../../sidecar/exchange/service.ts';

test('a reply that overrides nothing passes everything on, in order', () => {
  const told: unknown[][] = [];
  const outer: Reply = {
    informational: head => void told.push(['informational', head]),
    head: head => void told.push(['head', head]),
    data: chunk => void told.push(['data', chunk]),
    flush: () => void told.push(['flush']),
    end: trailers => void told.push(['end', trailers]),
    fail: reason => void told.push(['fail', reason]),
  };
  const head: ResponseHead = {
    status: 200,
    version: '1.1',
    reason: '',
    fields: [],
    bodyLength: 1,
    upgrade: null,
    tunnel: false,
    endsWithConnection: false,
  };
  const chunk = Buffer.from('x');
  const trailers = ['X-A', '1'];
  const gone = failure('client-gone', 'x');

  const reply = new PassReply(outer);
  reply.informational(head);
  reply.head(head);
  reply.data(chunk);
  reply.flush();
  reply.end(trailers);
  reply.fail(gone);

  const expected = [
    ['informational', head],
    ['head', head],
    ['data', chunk],
    ['flush'],
    ['end', trailers],
    ['fail', gone],
  ];
  assert.equal(told.length, expected.length);
  for (const [i, call] of expected.entries()) {
    assert.equal(told[i][0], call[0]);
    assert.equal(told[i][1], call[1]);
  }
});

test('a call that has ended takes everything and does nothing', () => {
  ENDED_CALL.pause();
  ENDED_CALL.resume();
  ENDED_CALL.cancel(failure('client-gone', 'x'));
});
