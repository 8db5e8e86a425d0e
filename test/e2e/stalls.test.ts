import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { get, RawClient } from './harness/raw-client.ts';
import { RawUpstream } from './harness/raw-upstream.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';
import { until } from './harness/until.ts';

/** Longer than every timeout of the policy. */
const STALL_MS = 3_000;

let sidecar: SidecarProcess;
let upstream: RawUpstream;
before(async () => {
  upstream = await RawUpstream.start();
  const policy = { timeouts: { total: '2s', idle: '2s', tunnel: '2s' } };
  sidecar = await SidecarProcess.start({
    file: { upstreams: { svc: { endpoints: [upstream.address], policy } } },
  });
});
after(async () => {
  await sidecar?.kill();
  await upstream?.stop();
});

async function stall(): Promise<void> {
  process.kill(sidecar.pid, 'SIGSTOP');
  await sleep(STALL_MS);
  process.kill(sidecar.pid, 'SIGCONT');
}

it('a sidecar that is stopped for a while breaks off no stream that goes on', async t => {
  upstream.options = {
    onRequest(_, connection) {
      connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      const beat = setInterval(() => connection.send('1\r\n.\r\n'), 50);
      t.after(() => clearInterval(beat));
    },
  };
  const client = await RawClient.connect(sidecar.port);
  t.after(() => client.close());
  client.send(get('/stream'));
  await until(() => client.received > 200, 'the beginning');
  await stall();
  const before = client.received;
  await until(() => client.received > before + 500 || client.ending !== null, 'more of it');
  assert.equal(client.ending, null);
  await until(() => sidecar.log.some(({ msg }) => /stood still for \d+ ms/.test(msg)), 'a word on it');
});

it('and fails no request whose answer is on its way', async t => {
  let isAsked = false;
  upstream.options = {
    onHead(_, connection) {
      isAsked = true;
      setTimeout(() => connection.answer(200, 'in time'), STALL_MS + 300);
    },
  };
  const client = await RawClient.connect(sidecar.port);
  t.after(() => client.close());
  client.send(get('/answer'));
  await until(() => isAsked, 'the request');
  await stall();
  const answer = await client.answer();
  assert.deepEqual([answer.status, answer.text], [200, 'in time']);
});
