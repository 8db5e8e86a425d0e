import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { get, post, RawClient } from './harness/raw-client.ts';
import { RawUpstream } from './harness/raw-upstream.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';

let sidecar: SidecarProcess;
let upstream: RawUpstream;
let client: RawClient;

before(async () => {
  upstream = await RawUpstream.start();
  const upstreams = { svc: { endpoints: [upstream.address] }, empty: { endpoints: [] } };
  sidecar = await SidecarProcess.start({ file: { upstreams } });
});

afterEach(async () => {
  client.close();
  for (const connection of upstream.connections) connection.close();
  upstream.forget();
});

after(async () => {
  await sidecar?.kill();
  await upstream?.stop();
});

async function open(): Promise<RawClient> {
  client = await RawClient.connect(sidecar.port);
  return client;
}

/** Every request is answered with these bytes. */
function answerWith(bytes: string, then?: 'end'): void {
  upstream.options = {
    onRequest(_, connection) {
      connection.send(bytes);
      if (then === 'end') connection.end();
    },
  };
}

describe('interim answers', () => {
  it('103 is passed on before the answer', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n';
    answerWith(`${early}${early}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`);
    const first = await (await open()).ask(get('/'));
    assert.equal(first.status, 103);
    assert.equal(first.field('link'), '</a.css>; rel=preload');
    assert.equal((await client.answer()).status, 103);
    assert.equal((await client.answer()).text, 'ok');
  });

  it('and kept from an HTTP/1.0 application, which does not know them', async () => {
    answerWith('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    const answer = await (await open()).ask('GET / HTTP/1.0\r\nHost: svc\r\n\r\n');
    assert.equal(answer.text, 'ok');
  });

  const EXPECTING = 'POST /expect HTTP/1.1\r\nHost: svc\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n';

  it('100 comes from the upstream, and then the body goes', async () => {
    upstream.options = {
      onHead: (_, connection) => connection.send('HTTP/1.1 100 Continue\r\n\r\n'),
      onRequest: (request, connection) => connection.answer(200, request.text),
    };
    const go = await (await open()).ask(EXPECTING);
    assert.equal(go.status, 100);
    assert.equal((await client.send('body').answer('POST')).text, 'body');
    // The connection goes on serving.
    assert.equal((await client.ask(post('/', 'more'))).status, 100);
    assert.equal((await client.answer('POST')).text, 'more');
  });

  it('an upstream that does not want the body says so instead', async () => {
    upstream.options = { onHead: (_, connection) => connection.answer(401, 'who are you?') };
    const answer = await (await open()).ask(EXPECTING);
    assert.equal(answer.status, 401);
    assert.equal(answer.text, 'who are you?');
    // Whether the body comes now nobody knows: the connection can't go on.
    assert.equal(answer.field('connection'), 'close');
    assert.equal(await client.ended(), 'fin');
  });

  it('an application that does not wait for the 100 is served as well', async () => {
    upstream.options = { onRequest: (request, connection) => connection.answer(200, request.text) };
    assert.equal((await (await open()).ask(`${EXPECTING}body`)).text, 'body');
  });
});

describe('answers without a body', () => {
  it('HEAD has the fields of a GET and nothing behind them', async () => {
    answerWith('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n');
    await open();
    for (let i = 0; i < 2; i++) {
      const answer = await client.ask(get('/').replace('GET', 'HEAD'));
      assert.equal(answer.field('content-length'), '1000000');
    }
    answerWith('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    assert.equal((await client.ask(get('/').replace('GET', 'HEAD'))).status, 200);
    assert.equal(upstream.connections.length, 1, 'upstream connections go on serving');
  });

  it('204 and 304 end with their head', async () => {
    await open();
    answerWith('HTTP/1.1 204 No Content\r\n\r\n');
    assert.equal((await client.ask(get('/'))).status, 204);
    answerWith('HTTP/1.1 304 Not Modified\r\nContent-Length: 12345\r\nETag: "x"\r\n\r\n');
    const answer = await client.ask(get('/'));
    assert.deepEqual([answer.status, answer.field('etag')], [304, '"x"']);
    assert.equal(client.reader.pending.length, 0);
    answerWith('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    assert.equal((await client.ask(get('/'))).status, 200);
    assert.equal(upstream.connections.length, 1, 'upstream connections go on serving');
  });
});

describe('trailers', () => {
  it('go both ways', async () => {
    answerWith('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\nX-Sum: 42\r\n\r\n');
    const answer = await (await open()).ask(
      'PUT / HTTP/1.1\r\nHost: svc\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Check: abc\r\n\r\n',
    );
    assert.equal(answer.text, 'yes');
    assert.deepEqual(answer.trailers, [['X-Sum', '42']]);
    const [request] = upstream.requests;
    assert.equal(request!.text, 'hi');
    assert.deepEqual(request!.trailers, [['X-Check', 'abc']]);
  });
});

describe('HTTP/1.0', () => {
  it('an application gets a body of unknown length until the connection ends', async () => {
    answerWith('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n');
    const answer = await (await open()).ask('GET / HTTP/1.0\r\nHost: svc\r\n\r\n');
    assert.equal(answer.field('transfer-encoding'), null);
    assert.equal(answer.text, 'yes');
    assert.ok(answer.isComplete);
    assert.equal(upstream.requests[0]!.line, 'GET / HTTP/1.1');
  });

  it('an application that asks for it keeps its connection', async () => {
    await open();
    answerWith('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes');
    const request = 'GET / HTTP/1.0\r\nHost: svc\r\nConnection: keep-alive\r\n\r\n';
    for (let i = 0; i < 3; i++) {
      const answer = await client.ask(request);
      assert.equal(answer.field('connection'), 'keep-alive');
      assert.equal(answer.text, 'yes');
    }
    assert.equal((await client.ask(request.replace('keep-alive', 'close'))).text, 'yes');
    assert.equal(await client.ended(), 'fin');
  });

  it('an upstream ends its answer with the connection', async () => {
    answerWith('HTTP/1.0 200 OK\r\n\r\nall of it', 'end');
    await open();
    for (let i = 0; i < 2; i++) {
      const answer = await client.ask(get('/'));
      assert.equal(answer.field('transfer-encoding'), 'chunked');
      assert.equal(answer.text, 'all of it');
      assert.ok(answer.isComplete);
    }
    assert.equal(upstream.connections.length, 2);
  });

  it('an upstream that keeps its connection is sent more', async () => {
    answerWith('HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nyes');
    await open();
    for (let i = 0; i < 3; i++) assert.equal((await client.ask(get('/'))).text, 'yes');
    assert.equal(upstream.connections.length, 1);
  });
});

describe('pipelined requests', () => {
  it('are answered in order, however long each takes', async () => {
    const paths = Array.from({ length: 40 }, (_, i) => `/${i}?${'x'.repeat(i * 7)}`);
    upstream.options = {
      onRequest(request, connection) {
        const delay = request.target.length % 3 === 0 ? 0 : 5;
        setTimeout(() => connection.answer(200, request.target), delay);
      },
    };
    await open();
    client.send(paths.map((path, i) => (i % 4 === 3 ? post(path, 'body') : get(path))).join(''));
    for (const path of paths) assert.equal((await client.answer()).text, path);
    assert.deepEqual(
      upstream.requests.map(({ target }) => target),
      paths,
    );
  });

  it('also when a failure is among them, and the last one closes', async () => {
    upstream.options = { onRequest: (request, connection) => connection.answer(200, request.target) };
    await open();
    client.send(
      get('/first') + get('/second', 'empty') + get('/third') + get('/last', 'svc', 'Connection: close\r\n'),
    );
    assert.equal((await client.answer()).text, '/first');
    assert.equal((await client.answer()).field('x-outrider-error'), 'no-endpoint');
    assert.equal((await client.answer()).text, '/third');
    assert.equal((await client.answer()).text, '/last');
    assert.equal(await client.ended(), 'fin');
  });

  it('may be thousands that fail at once', async () => {
    await open();
    const count = 5_000;
    client.send(get('/', 'empty').repeat(count));
    for (let i = 0; i < count; i++) {
      assert.equal((await client.answer()).field('x-outrider-error'), 'no-endpoint');
    }
    assert.equal(client.reader.pending.length, 0);
  });

  it('stop behind one that is malformed', async () => {
    upstream.options = { onRequest: (request, connection) => connection.answer(200, request.target) };
    await open();
    client.send(`${get('/first')}GARBAGE\r\n\r\n${get('/never')}`);
    assert.equal((await client.answer()).text, '/first');
    assert.equal((await client.answer()).status, 400);
    assert.equal(await client.ended(), 'fin');
    assert.deepEqual(
      upstream.requests.map(({ target }) => target),
      ['/first'],
    );
  });
});
