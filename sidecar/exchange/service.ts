import type { Exchange } from './exchange.ts';
import type { Failure } from './failure.ts';
import type { Fields } from './fields.ts';

/**
 * The one interface of the data path. The application's connection calls the outermost service; each layer calls
 * the next; the innermost one speaks to an endpoint. What comes back is told to the {@link Reply}.
 */
export interface Service {
  /**
   * Starts the exchange. The reply may be told everything, even the end, before this returns.
   * @returns the handle by which the caller slows down or cancels what it started
   */
  call(exchange: Exchange, reply: Reply): Call;
}

/** Wraps a service in a policy. A policy that a route does not use is not in its stack. */
export type Layer = (next: Service) => Service;

/**
 * Where the answer goes. The order of calls is `informational* head data* (end | fail)`, or `fail` alone: every call
 * of a service ends with exactly one `end` or `fail`, also when it was cancelled, so that a layer which holds
 * something (a permit, a timer, a connection) always gives it back there.
 */
export interface Reply {
  /** An interim answer, 1xx but 101 (RFC 9110 section 15.2). */
  informational(head: ResponseHead): void;
  head(head: ResponseHead): void;
  /** A piece of the body. The bytes are only valid during the call: whoever keeps them copies them. */
  data(chunk: Buffer): void;
  /** No more is at hand right now: what was passed so far should go out. Called where `head` or `data` was and `end` was not. */
  flush(): void;
  /** The answer is complete. */
  end(trailers: Fields | null): void;
  /** There is no (further) answer. After `head`, the answer stays incomplete and the application must be able to see that. */
  fail(failure: Failure): void;
}

/** A running call, as its caller sees it. All methods may be called at any time, after the end they do nothing. */
export interface Call {
  /** Stops reading the answer: the application is slow (back pressure). */
  pause(): void;
  resume(): void;
  /**
   * Gives up. The reply's `fail` is called with this failure before this returns, unless the call has ended already, or a fallback
   * covers for it: then the reply is told another answer.
   */
  cancel(failure: Failure): void;
}

/** The head of an answer. */
export interface ResponseHead {
  readonly status: number;
  /** The protocol's version as received, such as `1.1`; for `Via` (RFC 9110 section 7.6.3). */
  readonly version: string;
  /** The reason phrase as received; empty where there was none. */
  readonly reason: string;
  /** End-to-end fields only: what concerns one connection is gone. */
  readonly fields: Fields;
  /** The length of the body in bytes; `UNKNOWN_LENGTH` where only its end will tell; 0 where there is none. */
  readonly bodyLength: number;
  /** The protocol switched to or offered: the `Upgrade` field of a 101 or 426 (RFC 9110 section 7.8), else null. */
  readonly upgrade: string | null;
  /**
   * The connection turns into a two-way tunnel after this head (101, or 2xx to CONNECT): `data` is what the
   * upstream sends, and the exchange's `Tunnel` carries what the application sends and the half-closes.
   * `end` comes when both sides have ended.
   */
  readonly tunnel: boolean;
  /**
   * The body ends with the endpoint's connection: nobody can tell a whole one from one that broke off (RFC 9112 section 8).
   */
  readonly endsWithConnection: boolean;
}

/** A call that has ended already, or never began. */
export const ENDED_CALL: Call = { pause() {}, resume() {}, cancel() {} };

/** A reply that passes everything on; layers extend it and override what they care about. */
export class PassReply implements Reply {
  protected readonly reply: Reply;

  constructor(reply: Reply) {
    this.reply = reply;
  }

  informational(head: ResponseHead): void {
    this.reply.informational(head);
  }

  head(head: ResponseHead): void {
    this.reply.head(head);
  }

  data(chunk: Buffer): void {
    this.reply.data(chunk);
  }

  flush(): void {
    this.reply.flush();
  }

  end(trailers: Fields | null): void {
    this.reply.end(trailers);
  }

  fail(failure: Failure): void {
    this.reply.fail(failure);
  }
}
