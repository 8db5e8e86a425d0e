import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerHere } from '../../../sidecar/downstream/last-hop.ts';
import { accepted, parseRequest } from '../http1/heads.ts';

const answered = (text: string) => answerHere(accepted(parseRequest(text)), 'now');

test('TRACE is answered with the request as it came, without what is secret', () => {
  const { head, body } = answered(
    'TRACE /x HTTP/1.1\r\nHost: up\r\nX-A: 1\r\nAuthorization: Basic eDp5\r\nCOOKIE: a=b\r\nMax-Forwards: 0\r\n\r\n',
  );
  assert.equal(body.toString(), 'TRACE /x HTTP/1.1\r\nHost: up\r\nX-A: 1\r\nMax-Forwards: 0\r\n\r\n');
  assert.deepEqual(head.fields.slice(0, 2), ['Content-Type', 'message/http']);
  assert.equal(head.status, 200);
});

test('TRACE names the version of the request', () => {
  const { body } = answered('TRACE / HTTP/1.0\r\nHost: up\r\nMax-Forwards: 0\r\n\r\n');
  assert.match(body.toString(), /^TRACE \/ HTTP\/1\.0\r\n/);
});

test('OPTIONS is answered with nothing', () => {
  const { head, body } = answered('OPTIONS * HTTP/1.1\r\nHost: up\r\nMax-Forwards: 0\r\n\r\n');
  assert.deepEqual([head.status, body.length, head.bodyLength], [200, 0, 0]);
  assert.deepEqual(head.fields, ['Content-Length', '0', 'Date', 'now']);
});
