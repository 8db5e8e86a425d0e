import type { Fields } from '../../sidecar/exchange/fields.ts';

/**
 * What was understood of the bytes of one connection's direction: by the codec (connection-reader.ts) and, written
 * independently of it, by the reference (reference-parser.ts). All bytes are latin1 text.
 */
export interface Transcript<Message> {
  /** The complete messages. */
  readonly messages: Message[];
  /**
   * Why there is no further one: the bytes are used up; what follows is refused or unfinished; the last message ended
   * the connection, or turned it into a tunnel.
   */
  readonly end: 'clean' | 'broken' | 'closed' | 'tunnel';
}

export interface Content {
  /** A length in bytes, or how else the end of the body was found. */
  readonly framing: number | 'chunked' | 'until close';
  readonly fields: Fields;
  readonly body: string;
  readonly trailers: Fields | null;
  readonly keepAlive: boolean;
  readonly upgrade: string | null;
}

export interface RequestMeaning extends Content {
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly minorVersion: number;
  readonly maxForwards: number | null;
}

export interface ResponseMeaning extends Content {
  readonly status: number;
  readonly reason: string;
}

export const DATE = 'Tue, 15 Nov 1994 08:12:31 GMT';
