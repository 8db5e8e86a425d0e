import { BodyDecoder } from '../../sidecar/http1/body-decoder.ts';
import { CHUNKED, type Framing, UNTIL_CLOSE } from '../../sidecar/http1/framing.ts';
import { HeadReader, INCOMPLETE, REFUSED } from '../../sidecar/http1/head-reader.ts';
import { ProtocolError } from '../../sidecar/http1/protocol-error.ts';
import { parseRequestHead } from '../../sidecar/http1/request-head.ts';
import { parseResponseHead } from '../../sidecar/http1/response-head.ts';
import { DATE, type RequestMeaning, type ResponseMeaning, type Transcript } from './transcript.ts';

const HEAD_LIMIT = 32_768;
const FIELD_LIMIT = 128;

/** Bytes on both sides of every piece: whoever looks at them sees a line, a message or a chunk end. */
const AROUND = '\r\n\r\n0\r\n\r\nHost: beyond\r\nContent-Length: 3\r\n\r\nGET /beyond HTTP/1.1\r\n\r\n';

/** How a message with this head goes on; what `finish` makes of it is the message. */
interface Head<Message> {
  readonly framing: Framing;
  readonly nominated: ReadonlySet<string> | null;
  readonly isLast: 'closed' | 'tunnel' | null;
  finish(body: string, decoder: BodyDecoder): Message;
}

/**
 * Reads requests with the codec as the sidecar's connections do: head, body, head, … .
 * @param pieces latin1, as they arrive one after the other
 */
export function readRequests(pieces: readonly string[]): Transcript<RequestMeaning> {
  return read(pieces, (bytes, start, end) => {
    const parsed = parseRequestHead(bytes, start, end, FIELD_LIMIT);
    if (parsed instanceof ProtocolError) return parsed;
    const { framing, keepAlive, minorVersion, maxForwards, nominated } = parsed;
    const { method, target, authority, fields, upgrade } = parsed.head;
    return {
      framing,
      nominated,
      isLast: method === 'CONNECT' ? 'tunnel' : keepAlive ? null : 'closed',
      finish: (body, { trailers }) => ({
        ...{ method, target, authority, fields, minorVersion, framing: framingName(framing) },
        ...{ body, trailers, keepAlive, upgrade, maxForwards },
      }),
    };
  });
}

/**
 * Reads answers with the codec.
 * @param methods of the requests that they answer, in order
 */
export function readResponses(
  pieces: readonly string[],
  methods: readonly string[],
): Transcript<ResponseMeaning> {
  let answered = 0;
  return read(pieces, (bytes, start, end) => {
    // Like a pool: what comes when no request waits is no answer.
    if (answered === methods.length) return new ProtocolError(400, 'an answer that nobody asked for');
    const parsed = parseResponseHead(bytes, start, end, FIELD_LIMIT, methods[answered], DATE);
    if (parsed instanceof ProtocolError) return parsed;
    const { framing, keepAlive, nominated } = parsed;
    const { status, reason, fields, upgrade, tunnel } = parsed.head;
    if (status >= 200) answered++;
    return {
      framing: tunnel ? 0 : framing,
      nominated,
      isLast: tunnel ? 'tunnel' : status < 200 || keepAlive ? null : 'closed',
      finish: (body, { trailers }) => ({
        ...{ status, reason, fields, framing: framingName(framing) },
        ...{ body, trailers, keepAlive, upgrade },
      }),
    };
  });
}

function read<Message>(
  pieces: readonly string[],
  parse: (bytes: Buffer, start: number, end: number) => Head<Message> | ProtocolError,
): Transcript<Message> {
  const messages: Message[] = [];
  const reader = new HeadReader(HEAD_LIMIT);
  const decoder = new BodyDecoder(HEAD_LIMIT, FIELD_LIMIT);
  let head: Head<Message> | null = null;
  let body = '';
  const receiver = {
    onBody(chunk: Buffer) {
      body += chunk.toString('latin1');
    },
  };

  for (const piece of pieces) {
    const bytes = Buffer.from(AROUND + piece + AROUND, 'latin1');
    const to = AROUND.length + piece.length;
    let at = AROUND.length;
    while (at < to) {
      if (head === null) {
        const end = reader.feed(bytes, at, to);
        if (end === REFUSED) return { messages, end: 'broken' };
        if (end === INCOMPLETE) break;
        checkPosition(end, at, to);
        at = end;
        const parsed = parse(reader.bytes, reader.start, reader.end);
        if (parsed instanceof ProtocolError) return { messages, end: 'broken' };
        head = parsed;
        body = '';
        decoder.start(head.framing, head.nominated);
      } else {
        const end = decoder.feed(bytes, at, to, receiver);
        if (decoder.error !== null) return { messages, end: 'broken' };
        checkPosition(end, at, to);
        at = end;
      }
      if (!decoder.isDone) continue;
      messages.push(head.finish(body, decoder));
      if (head.isLast !== null) return { messages, end: head.isLast };
      head = null;
    }
    // The next read of a socket overwrites its buffer: nothing may still lie in it.
    bytes.fill(0xee);
  }
  if (head === null) return { messages, end: reader.isPartial ? 'broken' : 'clean' };
  if (!decoder.endOfStream()) return { messages, end: 'broken' };
  messages.push(head.finish(body, decoder));
  return { messages, end: 'closed' };
}

function checkPosition(end: number, from: number, to: number): void {
  if (end < from || end > to) throw new Error(`read to ${end}, which is not between ${from} and ${to}`);
}

function framingName(framing: Framing): number | 'chunked' | 'until close' {
  if (framing === CHUNKED) return 'chunked';
  return framing === UNTIL_CLOSE ? 'until close' : framing;
}
