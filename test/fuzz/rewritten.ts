import assert from 'node:assert/strict';
import type { RequestHead } from '../../sidecar/exchange/exchange.ts';
import { CHUNKED, type Framing } from '../../sidecar/http1/framing.ts';
import { chunkedEnd, chunkStart, requestHeadText, responseHeadText } from '../../sidecar/http1/serialize.ts';
import type { Content, RequestMeaning, ResponseMeaning } from './transcript.ts';

/** A request as the sidecar sends it on: written anew from what was understood. */
export function rewriteRequest(request: RequestMeaning): string {
  const head: RequestHead = { ...request, version: '1.1' };
  return checkedHead(requestHeadText(head, framingOf(request), ''), request) + rewriteBody(request);
}

/** An answer as the sidecar passes it on to an HTTP/1.1 application. */
export function rewriteResponse(response: ResponseMeaning, method: string): string {
  const { status } = response;
  const tunnel = status === 101 || (method === 'CONNECT' && status >= 200 && status < 300);
  const framing = tunnel ? 0 : framingOf(response);
  const connection = response.upgrade !== null ? 'upgrade' : '';
  const text = responseHeadText(
    { ...response, version: '1.1', bodyLength: 0, tunnel, endsWithConnection: false },
    framing,
    connection,
    '',
  );
  return (
    checkedHead(text, { ...response, framing: tunnel ? 0 : response.framing }) +
    (tunnel ? '' : rewriteBody(response))
  );
}

/** A body whose end only the connection's end told is sent on in chunks. */
function framingOf(content: Content): Framing {
  return typeof content.framing === 'number' ? content.framing : CHUNKED;
}

function rewriteBody(content: Content): string {
  if (typeof content.framing === 'number') return content.body;
  const { body } = content;
  const half = body.length >> 1;
  const chunks = [body.slice(0, half), body.slice(half)].filter(chunk => chunk !== '');
  return (
    chunks.map(chunk => `${chunkStart(chunk.length)}${chunk}\r\n`).join('') + chunkedEnd(content.trailers)
  );
}

/** Nothing in a head that goes out ends a line but CRLF, and it says once, or not at all, how the body is framed. */
function checkedHead(text: string, content: Content): string {
  for (const line of text.split('\r\n')) {
    assert.ok(![...line].some(isControl), `a control character went out: ${JSON.stringify(line)}`);
  }
  assert.equal(text.indexOf('\r\n\r\n'), text.length - 4, 'the head ends twice');
  const framings = text.match(/^(content-length|transfer-encoding):.*$/gim) ?? [];
  const isChunked = typeof content.framing !== 'number';
  assert.ok(framings.length <= 1, `framed more than once: ${framings}`);
  if (isChunked) assert.deepEqual(framings, ['Transfer-Encoding: chunked']);
  else if (content.framing > 0) assert.equal(Number(framings.join().split(':')[1]), content.framing);
  return text;
}

function isControl(character: string): boolean {
  const code = character.charCodeAt(0);
  return (code < 0x20 && code !== 0x09) || code === 0x7f;
}
