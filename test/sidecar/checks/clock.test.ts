import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkClock, judgeClock, MOST_DIFFERENCE_MS } from '../../../sidecar/checks/clock.ts';
import { startControlPlane } from '../../control-plane/running.ts';
import { closedPort } from '../../e2e/harness/closed-port.ts';
import { HttpUpstream } from '../../e2e/harness/http-upstream.ts';

const HERE = Date.parse('Wed, 25 Nov 2026 12:00:00 GMT');
/** How the control plane's clock stands, the answer having taken 200 ms. */
const judge = (ms: number) =>
  judgeClock({ date: new Date(HERE + ms).toUTCString(), sentAt: HERE, receivedAt: HERE + 200 });

test('only a difference that is certain counts', () => {
  const fine = [0, -1000, MOST_DIFFERENCE_MS, -MOST_DIFFERENCE_MS - 1000];
  for (const ms of fine) assert.equal(judge(ms).result, 'ok', `${ms} ms`);
  for (const ms of [MOST_DIFFERENCE_MS + 1000, -MOST_DIFFERENCE_MS - 2000])
    assert.equal(judge(ms).result, 'failed', `${ms} ms`);
});

test('says by how much, and in which direction', () => {
  assert.match(judge(60_000).detail, /^it is 59\.8 s behind the control plane's, at most 5\.0 s are fine/);
  assert.match(judge(-60_000).detail, /^it is 59\.0 s ahead of the control plane's/);
});

test('a control plane on this machine agrees', async t => {
  const { url } = await startControlPlane(t);
  assert.equal((await checkClock(url, 10_000)).result, 'ok');
});

test('one whose clock is an hour late does not', async t => {
  const late = await HttpUpstream.start((_, response) => {
    response.setHeader('date', new Date(Date.now() - 3_600_000).toUTCString());
    response.end('{}');
  });
  t.after(() => late.stop());
  const { result, detail, fix } = await checkClock(`http://${late.address}`, 10_000);
  assert.equal(result, 'failed');
  assert.match(detail, /ahead of the control plane's/);
  assert.match(fix!, /NTP/);
});

test('nothing is said where it does not tell, or does not answer', async t => {
  const silent = await HttpUpstream.start((_, response) => {
    response.sendDate = false;
    response.end();
  });
  t.after(() => silent.stop());
  assert.equal((await checkClock(`http://${silent.address}`, 10_000)).result, 'skipped');
  assert.equal((await checkClock(`http://127.0.0.1:${await closedPort()}`, 10_000)).result, 'skipped');
});
