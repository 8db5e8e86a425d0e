import { BodyDecoder } from '../../../sidecar/http1/body-decoder.ts';
import type { Framing } from '../../../sidecar/http1/framing.ts';

/** What was read of a body. */
export interface ReadBody {
  /** The decoded bytes as latin1. */
  readonly body: string;
  readonly trailers: string[] | null;
  /** How many of the given bytes were taken. */
  readonly taken: number;
  readonly isDone: boolean;
  readonly status: number | null;
}

/** Bytes around each piece that would end, lengthen or break a body which looked at them. */
const AROUND = '\r\n0\r\n\r\nbeyond\r\n5;\x00';

/** Feeds the pieces (latin1) to a decoder until it is done or refuses. Its receiver keeps no piece beyond the call. */
export function readBody(
  framing: Framing,
  pieces: readonly string[],
  decoder = new BodyDecoder(1000, 10),
): ReadBody {
  let body = '';
  let taken = 0;
  const receiver = {
    onBody(chunk: Buffer) {
      if (chunk.length === 0) throw new Error('an empty piece');
      body += chunk.toString('latin1');
    },
  };
  decoder.start(framing);
  for (const piece of pieces) {
    if (decoder.isDone || decoder.error !== null) break;
    const bytes = Buffer.from(AROUND + piece + AROUND, 'latin1');
    const end = decoder.feed(bytes, AROUND.length, AROUND.length + piece.length, receiver);
    bytes.fill(0);
    taken += end - AROUND.length;
  }
  return {
    body,
    trailers: decoder.trailers,
    taken,
    isDone: decoder.isDone,
    status: decoder.error?.status ?? null,
  };
}

/** The pieces of a text of at most this many characters each. */
export function inPieces(text: string, size: number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += size) pieces.push(text.slice(at, at + size));
  return pieces;
}
