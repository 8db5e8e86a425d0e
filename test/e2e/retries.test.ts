import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { closedPort } from './harness/closed-port.ts';
import type { Message } from './harness/message.ts';
import { get, post, RawClient } from './harness/raw-client.ts';
import { RawUpstream, type RawUpstreamConnection } from './harness/raw-upstream.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';

describe('a request that an endpoint does not answer is sent to another one', () => {
  let sidecar: SidecarProcess;
  let client: RawClient;
  let good: RawUpstream;
  /** Does with a request what the test wants. */
  let bad: RawUpstream;

  const resetOnRequest = (_: Message, connection: RawUpstreamConnection) => connection.reset();

  before(async () => {
    good = await RawUpstream.start((request, connection) => {
      connection.answer(200, `${request.method} ${request.text}`);
    });
    bad = await RawUpstream.start();
    const refusing = `127.0.0.1:${await closedPort()}`;
    // In turn, so that half of all requests begin with the bad endpoint.
    // The same endpoint fails again and again here, and has to stay in use.
    const steady = { balancer: 'round-robin', outliers: 'off' };
    sidecar = await SidecarProcess.start({
      file: {
        upstreams: {
          'half-refused': { endpoints: [refusing, good.address], policy: steady },
          'half-bad': { endpoints: [bad.address, good.address], policy: steady },
          'no-retries': {
            endpoints: [bad.address, good.address],
            policy: { ...steady, retry: { attempts: 1 } },
          },
          'posts-too': {
            endpoints: [bad.address, good.address],
            policy: { ...steady, retry: { methods: 'any' } },
          },
          slow: {
            endpoints: [bad.address, good.address],
            policy: {
              ...steady,
              timeouts: { attempt: '100ms' },
              retry: { on: ['connect-failure', 'attempt-timeout'] },
            },
          },
          'by-status': {
            endpoints: [bad.address, good.address],
            policy: { ...steady, retry: { on: ['gateway-error'] } },
          },
          'keeps-little': {
            endpoints: [bad.address, good.address],
            policy: { ...steady, limits: { retryBody: '10B' } },
          },
        },
      },
    });
    client = await RawClient.connect(sidecar.port);
  });

  afterEach(() => {
    good.forget();
    bad.forget();
  });

  after(async () => {
    client?.close();
    await sidecar?.kill();
    await good?.stop();
    await bad?.stop();
  });

  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'POST', 'PATCH']) {
    it(`${method} after a refused connection: it reached nobody`, async () => {
      for (let i = 0; i < 4; i++) {
        const answer = await client.ask(post('/', 'once', 'half-refused').replace('POST', method));
        assert.equal(answer.status, 200);
        if (method !== 'HEAD') assert.equal(answer.text, `${method} once`);
      }
      assert.equal(good.requests.length, 4);
    });
  }

  it('counts and logs retries', async () => {
    const before = await sidecar.upstream('half-refused');
    for (let i = 0; i < 4; i++) await client.ask(get(`/counted-${i}`, 'half-refused'));
    const now = await sidecar.upstream('half-refused');
    const retries = now.retries - before.retries;
    assert.ok(retries >= 1 && retries <= 4, `${retries} retries`);
    const lines = await Promise.all([0, 1, 2, 3].map(i => sidecar.logged(`/counted-${i}`)));
    const attempts = lines.reduce((sum, line) => sum + line.attempts, 0);
    assert.equal(attempts, 4 + retries);
    for (const line of lines) assert.deepEqual([line.flag, line.status], ['-', 200]);
  });

  for (const method of ['GET', 'PUT', 'DELETE']) {
    it(`${method} after a connection lost before the first byte of the answer`, async () => {
      bad.options = { onRequest: resetOnRequest };
      for (let i = 0; i < 4; i++) {
        const answer = await client.ask(post('/', 'twice', 'half-bad').replace('POST', method));
        assert.equal(answer.text, `${method} twice`);
      }
      assert.ok(bad.requests.length >= 1, 'some went to the bad endpoint first');
      assert.ok(bad.requests.every(({ text }) => text === 'twice'));
      assert.equal(good.requests.length, 4);
    });
  }

  for (const method of ['POST', 'PATCH']) {
    it(`but never ${method} once an endpoint may have seen it`, async () => {
      bad.options = { onRequest: resetOnRequest };
      const seen = new Set<string>();
      let failed = 0;
      for (let i = 0; i < 500; i++) {
        const request = post('/', `id-${i}`, 'half-bad').replace('POST', method);
        const answer = await client.ask(request);
        if (answer.status !== 200) {
          assert.equal(answer.field('x-outrider-error'), 'reset');
          failed++;
        }
      }
      for (const { text } of [...good.requests, ...bad.requests]) {
        assert.ok(!seen.has(text), `${text} was sent twice`);
        seen.add(text);
      }
      assert.equal(seen.size, 500);
      assert.equal(failed, bad.requests.length);
      assert.ok(failed >= 100, `${failed} of 500 met the bad endpoint`);
    });
  }

  it('unless the route says that its POSTs may be sent twice', async () => {
    bad.options = { onRequest: resetOnRequest };
    for (let i = 0; i < 4; i++) assert.equal((await client.ask(post('/', 'x', 'posts-too'))).status, 200);
    assert.ok(bad.requests.length >= 1);
  });

  it('not where retries are off', async () => {
    bad.options = { onRequest: resetOnRequest };
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await client.ask(get('/', 'no-retries'))).status);
    assert.deepEqual(statuses.sort(), [200, 200, 503, 503]);
  });

  it('not once a large answer has begun: it is shown to be incomplete', async () => {
    bad.options = {
      onRequest(_, connection) {
        connection.send('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nhalf');
        setTimeout(() => connection.reset(), 50);
      },
    };
    let broken = 0;
    for (let i = 0; i < 4; i++) {
      const own = await RawClient.connect(sidecar.port);
      const answer = await own.ask(get('/', 'half-bad'));
      assert.equal(answer.status, 200);
      if (!answer.isComplete) broken++;
      own.close();
    }
    assert.equal(broken, bad.requests.length);
    assert.ok(broken >= 1);
    assert.equal(good.requests.length, 4 - broken);
  });

  it('after a small answer that broke off: nothing of it is passed on', async () => {
    bad.options = {
      onRequest(_, connection) {
        connection.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
        setImmediate(() => connection.reset());
      },
    };
    for (let i = 0; i < 4; i++) {
      const answer = await client.ask(get('/', 'half-bad'));
      assert.deepEqual([answer.status, answer.text], [200, 'GET ']);
    }
    assert.ok(bad.requests.length >= 1);
    assert.equal(good.requests.length, 4);
  });

  it('but a POST is not, also where its small answer broke off: that is shown to be incomplete', async () => {
    bad.options = {
      onRequest(_, connection) {
        connection.send('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
        setImmediate(() => connection.reset());
      },
    };
    for (let i = 0; i < 4; i++) {
      const own = await RawClient.connect(sidecar.port);
      const { isComplete, status } = await own.ask(post('/', `torn ${i}`, 'half-bad'));
      assert.ok(isComplete || status === 200);
      own.close();
    }
    assert.equal(bad.requests.length + good.requests.length, 4);
  });

  it('after an attempt that took too long, where that is asked for', async () => {
    bad.options = { onRequest() {} };
    for (let i = 0; i < 3; i++) assert.equal((await client.ask(get('/', 'slow'))).text, 'GET ');
    assert.ok(bad.requests.length >= 1);
  });

  it('after an answer that says that the endpoint can not, where that is asked for', async () => {
    bad.options = { onRequest: (_, connection) => connection.answer(503, 'x'.repeat(100_000)) };
    for (let i = 0; i < 4; i++) {
      assert.equal(
        (await client.ask(post('/', 'again', 'by-status').replace('POST', 'PUT'))).text,
        'PUT again',
      );
    }
    assert.ok(bad.requests.length >= 1);
    // A POST is not sent again, nor is anything after another status: those answers are passed on as they are.
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await client.ask(post('/', 'x', 'by-status'))).status);
    assert.deepEqual(statuses.sort(), [200, 200, 503, 503]);
    bad.options = { onRequest: (_, connection) => connection.answer(500, 'oh no') };
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await client.ask(get('/', 'by-status')));
    assert.deepEqual(answers.map(({ text }) => text).sort(), ['GET ', 'GET ', 'oh no', 'oh no']);
  });

  it('but only as often as attempts are left: then the last answer is passed on as it is', async () => {
    const unable = (_: Message, connection: RawUpstreamConnection) => connection.answer(503, 'busy');
    bad.options = { onRequest: unable };
    const { options } = good;
    good.options = { onRequest: unable };
    const answer = await client.ask(get('/', 'by-status'));
    good.options = options;
    assert.deepEqual([answer.status, answer.text], [503, 'busy']);
    assert.equal(answer.field('x-outrider-error'), null);
    assert.equal(bad.requests.length + good.requests.length, 3);
  });

  it('with a body of up to 64 KiB, whole', async () => {
    bad.options = { onRequest: resetOnRequest };
    const body = Buffer.from(Array.from({ length: 65_536 }, (_, i) => 32 + (i % 90))).toString('latin1');
    for (let i = 0; i < 4; i++) {
      const answer = await client.ask(post('/', body, 'half-bad').replace('POST', 'PUT'));
      assert.equal(answer.status, 200);
    }
    assert.ok(bad.requests.length >= 1);
    assert.ok([...good.requests, ...bad.requests].every(({ text }) => text === body));
  });

  it('with a larger body only where none of it was lost', async () => {
    bad.options = { onRequest: resetOnRequest };
    const body = 'x'.repeat(300_000);
    const statuses = [];
    for (let i = 0; i < 4; i++) {
      const request = post('/', body, 'half-bad').replace('POST', 'PUT');
      statuses.push((await client.ask(request)).status);
    }
    assert.equal(statuses.filter(status => status === 503).length, bad.requests.length);
    assert.ok(bad.requests.length >= 1);

    good.forget();
    for (let i = 0; i < 4; i++) {
      assert.equal((await client.ask(post('/', body, 'half-refused'))).status, 200);
    }
    assert.ok(good.requests.every(({ text }) => text === body));
  });

  it('with as much of a body as its upstream has kept, whatever others keep', async () => {
    bad.options = { onRequest: resetOnRequest };
    const statuses = { kept: new Set<number>(), lost: new Set<number>() };
    for (let i = 0; i < 4; i++) {
      const [kept, lost] = ['0123456789', '0123456789x'].map(body =>
        post('/', body, 'keeps-little').replace('POST', 'PUT'),
      );
      statuses.kept.add((await client.ask(kept)).status);
      statuses.lost.add((await client.ask(lost)).status);
      // The other way round the next time, so that each of them is sent to each of the endpoints first.
      await client.ask(get('/', 'keeps-little'));
    }
    assert.deepEqual(statuses, { kept: new Set([200]), lost: new Set([503, 200]) });
  });

  it('leaves nothing behind', async () => {
    client.close();
    const names = [
      'half-refused',
      'half-bad',
      'no-retries',
      'posts-too',
      'slow',
      'by-status',
      'keeps-little',
    ];
    await sidecar.quiet(names);
  });
});
