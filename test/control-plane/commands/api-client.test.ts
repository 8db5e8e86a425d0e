import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { ApiClient, CallFailed } from '../../../control-plane/commands/api-client.ts';
import { GET_COMMAND } from '../../../control-plane/commands/get.ts';
import { WAIT_COMMAND } from '../../../control-plane/commands/wait.ts';
import {
  deleteService,
  getService,
  listServices,
  putService,
} from '../../../control-plane/contract/calls.ts';
import { WATCH_LINE_LIMIT } from '../../../control-plane/contract/watch-messages.ts';
import { closedPort } from '../../e2e/harness/closed-port.ts';
import { startControlPlane } from '../running.ts';
import { runCommand } from './command-runs.ts';

/** Something that listens where a control plane was expected. */
async function listenWith(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What is told of a call that does not succeed. */
async function failureOf(call: Promise<unknown>): Promise<[status: number, message: string]> {
  try {
    await call;
  } catch (error) {
    if (error instanceof CallFailed) return [error.status, error.message];
    throw error;
  }
  return assert.fail('it succeeded');
}

test('calls are answered as they say', async t => {
  const { url } = await startControlPlane(t);
  const client = new ApiClient(url, null);
  const policy = { retry: { attempts: 3 } };
  assert.equal((await client.call(putService('inventory'), { body: { policy } })).revision, 1);
  assert.deepEqual((await client.call(getService('inventory'))).policy, policy);
  assert.deepEqual(
    (await client.list(listServices)).map(({ name }) => name),
    ['inventory'],
  );
  assert.equal(await client.call(deleteService('inventory')), null);
});

describe('a call fails with a sentence', () => {
  test('where nobody listens', async () => {
    const url = `http://127.0.0.1:${await closedPort()}`;
    assert.deepEqual(await failureOf(new ApiClient(url, null).list(listServices)), [
      0,
      `The control plane at ${url} can not be reached: nothing listens there (ECONNREFUSED).`,
    ]);
  });

  test('where a proxy from the environment is in the way', async t => {
    const refusal = new Error('Proxy response (404) !== 200 when HTTP Tunneling');
    const cause = new Error('Request was cancelled.', { cause: refusal });
    t.mock.method(globalThis, 'fetch', () => Promise.reject(new TypeError('fetch failed', { cause })));
    const [, message] = await failureOf(new ApiClient('http://a', null).list(listServices));
    assert.equal(message, `The control plane at http://a can not be reached: ${refusal.message}.`);
  });

  test('where it is refused', async t => {
    const { url } = await startControlPlane(t);
    const client = new ApiClient(url, null);
    assert.deepEqual(await failureOf(client.call(getService('none'))), [404, 'There is no service none.']);
    const body = { policy: { retry: { attempts: 'x', on: 'y' } } };
    const [, message] = await failureOf(client.call(putService('inventory'), { body }));
    assert.match(
      message,
      /and 1 more, see errors\)\n {2}policy\.retry\.attempts: .*\n {2}policy\.retry\.on: /,
    );
  });

  test('where something else refuses it', async t => {
    const url = await listenWith(t, (_, response) => void response.writeHead(502).end('<html>'));
    const [status, message] = await failureOf(new ApiClient(url, null).list(listServices));
    assert.deepEqual([status, message], [502, 'The control plane answered 502 Bad Gateway.']);
  });

  for (const [answer, complaint] of [
    ['<html>Welcome</html>', 'the answer is not JSON'],
    ['{"items":{}}', 'items is not a list'],
    ['{"items":[{"name":"a"}],"next":null}', 'policy is not an object'],
  ] as const) {
    test(`where what answers is no control plane: ${answer}`, async t => {
      const url = await listenWith(t, (_, response) => void response.end(answer));
      const expected = `The control plane at ${url} answered 200, but not as a control plane does: ${complaint}.`;
      assert.deepEqual(await failureOf(new ApiClient(url, null).list(listServices)), [200, expected]);
      const { code, stderr } = await runCommand(GET_COMMAND, ['services', '--control-plane', url]);
      assert.deepEqual([code, stderr], [1, `${expected}\n`]);
    });
  }

  test('where the answer breaks off', async t => {
    const url = await listenWith(t, (_, response) => {
      response.writeHead(200, { 'content-length': 100 }).write('{');
      setImmediate(() => response.destroy());
    });
    const [, message] = await failureOf(new ApiClient(url, null).list(listServices));
    assert.match(message, /^The control plane at \S+ can not be reached: /);
  });
});

describe('the watch', () => {
  const HEARTBEAT = '{"type":"heartbeat","revision":1}\n';

  /** What is read of a stream, then why it ended. */
  async function watch(t: TestContext, ...chunks: readonly string[]): Promise<unknown[]> {
    const url = await listenWith(t, (_, response) => {
      for (const chunk of chunks) response.write(chunk);
      response.end();
    });
    const heard: unknown[] = [];
    const stream = new ApiClient(url, null).watch(['inventory'], AbortSignal.timeout(10_000));
    try {
      for await (const message of stream) heard.push(message);
    } catch (error) {
      assert.ok(error instanceof CallFailed);
      heard.push(error.message.replace(/^.*but not as a control plane does: /, ''));
    }
    return heard;
  }

  test('is read, and what a later version says passed over', async t => {
    const heard = await watch(t, HEARTBEAT, '{"type":"weather"}\n', HEARTBEAT);
    assert.deepEqual(
      heard,
      Array.from({ length: 2 }, () => ({ type: 'heartbeat', revision: 1 })),
    );
  });

  test('ends with what is no message', async t => {
    const heard = await watch(t, HEARTBEAT, '{"type":"sync"}\n', HEARTBEAT);
    assert.deepEqual(heard, [
      { type: 'heartbeat', revision: 1 },
      'revision is not a whole number of 0 or more.',
    ]);
  });

  test('ends with a line that is too long', async t => {
    const heard = await watch(t, 'x'.repeat(WATCH_LINE_LIMIT + 1));
    assert.deepEqual(heard, [`a line is longer than ${WATCH_LINE_LIMIT} bytes.`]);
  });

  test('that is none is told of when the time is over', async t => {
    const url = await listenWith(t, (_, response) => void response.end('<html>'));
    const args = ['inventory', '--timeout', '50ms', '--control-plane', url];
    const { code, stderr } = await runCommand(WAIT_COMMAND, args);
    assert.equal(code, 1);
    assert.match(stderr, /answered 200, but not as a control plane does: the answer is not JSON/);
  });
});

test('says so where a control plane is called by https and speaks no TLS', async t => {
  const api = await startControlPlane(t);
  const url = api.url.replace('http:', 'https:');
  const message = `The control plane at ${url} does not speak TLS: its address begins with http://.`;
  await assert.rejects(new ApiClient(url, null).call(getService('none')), { message });
});

for (const [what, token] of [
  ['a line feed', 'sec\nret'],
  ['what no header may have', 'sécret–'],
  ['more than servers read', 's'.repeat(5000)],
] as const) {
  test(`a token with ${what} is bad usage, and is not shown`, async () => {
    const environment = { OUTRIDER_TOKEN: token };
    const { code, stderr } = await runCommand(GET_COMMAND, ['services'], environment);
    assert.equal(code, 2);
    assert.match(stderr, /^OUTRIDER_TOKEN: expected a token of printable characters/);
    assert.doesNotMatch(stderr, /s[eé]c|sss/);
  });
}
