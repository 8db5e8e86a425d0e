import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UNKNOWN_LENGTH } from '../../../sidecar/exchange/body-length.ts';

import { Tunnel } from '../../../sidecar/exchange/tunnel.ts';

test('a tunnel holds what the application sends until the upstream has answered, one piece at most', () => {
  const calls: string[] = [];
  const tunnel = new Tunnel({
    pauseBody: () => void calls.push('pause'),
    resumeBody: () => void calls.push('resume'),
    upstreamEnded: () => void calls.push('ended'),
  });
  assert.equal(tunnel.body.length, UNKNOWN_LENGTH);
  tunnel.body.push(Buffer.from('early'));
  assert.deepEqual(calls, ['pause']);

  let received = '';
  tunnel.body.attach({
    write(chunk) {
      received += chunk;
      return true;
    },
    end() {},
  });
  assert.deepEqual(calls, ['pause', 'resume']);
  tunnel.body.push(Buffer.from(' late'));
  assert.equal(received, 'early late');
  assert.equal(tunnel.body.isReplayable, false);
});
