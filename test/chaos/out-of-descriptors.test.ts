import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { get, RawClient } from '../e2e/harness/raw-client.ts';
import { RawUpstream } from '../e2e/harness/raw-upstream.ts';
import { SidecarProcess } from '../e2e/harness/sidecar-process.ts';
import { until } from '../e2e/harness/until.ts';

const DESCRIPTORS = 200;

describe('a sidecar that has no file descriptors left', { skip: process.platform === 'win32' }, () => {
  let sidecar: SidecarProcess;
  let upstream: RawUpstream;

  before(async () => {
    // The crowd's requests get no answer, so each takes a connection.
    upstream = await RawUpstream.start((request, connection) => {
      if (!request.target.startsWith('/crowd')) connection.answer(200, 'ok');
    });
    sidecar = await SidecarProcess.start({
      file: { upstreams: { svc: { endpoints: [upstream.address] } } },
      shell: `ulimit -n ${DESCRIPTORS}; exec "$@"`,
    });
  });

  after(async () => {
    await sidecar?.kill();
    await upstream?.stop();
  });

  it('stays up, and serves again as soon as some are free', async () => {
    const first = await RawClient.connect(sidecar.port);
    assert.equal((await first.ask(get('/'))).status, 200);
    const crowd: RawClient[] = [];
    for (let i = 0; i < DESCRIPTORS * 2; i++) {
      const client = await RawClient.connect(sidecar.port).catch(() => null);
      if (client !== null) crowd.push(client);
    }
    // First they take what there is, then each needs one more.
    for (const [i, client] of crowd.entries()) client.send(get(`/crowd/${i}`));
    await until(() => sidecar.accessLog.some(({ error }) => error === 'connect-failure'), 'a failure');
    sidecar.assertRunning();
    const told = sidecar.log.filter(({ msg }) => msg.startsWith('file descriptors run out'));
    assert.ok(told.length >= 1 && told.length <= 5, 'told once in a while, not each time');
    assert.match(told[0].msg, new RegExp(`the limit is ${DESCRIPTORS}: .* Raise the limit \\(ulimit -n;`));
    const failed = sidecar.accessLog.find(({ error }) => error === 'connect-failure');
    assert.match(failed?.detail ?? '', /no file descriptor left; its limit is 200\. Raise the limit/);
    // The one that was there before is served, be it with an answer of the sidecar's own.
    const answer = await first.ask(get('/'));
    assert.ok([200, 503].includes(answer.status), answer.text);
    for (const client of crowd) client.close();
    first.close();

    let status = 0;
    for (let i = 0; i < 50 && status !== 200; i++) {
      const again = await RawClient.connect(sidecar.port);
      status = await again.ask(get('/again'), 2_000).then(
        ({ status }) => status,
        () => 0,
      );
      again.close();
      if (status !== 200) await sleep(100);
    }
    assert.equal(status, 200);
    await sidecar.quiet();
    assert.ok(!sidecar.log.some(({ level }) => level === 'fatal'));
  });
});
