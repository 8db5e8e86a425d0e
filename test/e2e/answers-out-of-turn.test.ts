import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { RawClient } from './harness/raw-client.ts';
import { RawUpstream } from './harness/raw-upstream.ts';
import { SidecarProcess } from './harness/sidecar-process.ts';

const POISON = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison';
/** A read of the sidecar ends where its buffer does: what follows is read in the same turn. */
const READ_SIZES = [64 * 1024, 128 * 1024];

/** What the upstream sends behind an answer to the first of two requests, and how. */
const CASES: readonly (readonly [what: string, answer: string, inOneWrite: boolean])[] = [
  ['an answer to HEAD, and the body right behind it', 'HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n', false],
  ['an answer, and another one right behind it', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', false],
  ...READ_SIZES.map(
    size => [`an answer of ${size} bytes, and another one with it`, whole(size), true] as const,
  ),
];

function whole(size: number): string {
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${size - 60}\r\nX-Pad: `;
  const body = 'x'.repeat(size - 60);
  return `${head}${'p'.repeat(60 - head.length - 4)}\r\n\r\n${body}`;
}

for (const plain of ['0', '1']) {
  describe(`what comes behind an answer is nobody's answer (OUTRIDER_PLAIN_SOCKETS=${plain})`, () => {
    let upstream: RawUpstream;
    let sidecar: SidecarProcess;
    before(async () => {
      upstream = await RawUpstream.start();
      sidecar = await SidecarProcess.start({
        file: { upstreams: { svc: { endpoints: [upstream.address] } } },
        environment: plain === '1' ? { OUTRIDER_PLAIN_SOCKETS: '1' } : {},
      });
    });
    after(async () => {
      await sidecar?.kill();
      await upstream?.stop();
    });

    for (const [what, answer, inOneWrite] of CASES) {
      it(what, async () => {
        const method = what.includes('HEAD') ? 'HEAD' : 'GET';
        upstream.options = {
          onRequest(request, connection) {
            if (request.target === '/second') {
              connection.send('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nproper');
            } else if (inOneWrite) connection.send(answer + POISON);
            else {
              connection.send(answer);
              connection.send(POISON);
            }
          },
        };
        for (let i = 0; i < 40; i++) {
          const client = await RawClient.connect(sidecar.port);
          client.send(
            `${method} /first HTTP/1.1\r\nHost: svc\r\n\r\nGET /second HTTP/1.1\r\nHost: svc\r\n\r\n`,
          );
          assert.equal((await client.answer(method)).status, 200);
          assert.equal((await client.answer()).body.toString(), 'proper');
          client.close();
        }
      });
    }
  });
}
