import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests of one connection that may be under way or wait, by default. */
const MAX_REQUESTS = 32;

interface Line {
  requests: number;
  /** Settles when the last answer that is due so far has been written. */
  last: Promise<void>;
}

/**
 * Has the requests of a connection answered one after another, each when the answer before it is written. `node:http` hands
 * out whatever came in one read at once: thousands of requests, whose answers would all be made and kept for somebody who
 * perhaps reads none.
 */
export class AnswerTurns {
  private readonly maxRequests: number;
  private readonly lines = new WeakMap<Socket, Line>();

  constructor(maxRequests = MAX_REQUESTS) {
    this.maxRequests = maxRequests;
  }

  /** @returns true when it is the request's turn; false where its connection is gone, or was closed for asking too much at once */
  async take({ socket }: IncomingMessage, response: ServerResponse): Promise<boolean> {
    if (socket.destroyed) return false;
    const line = this.lines.get(socket) ?? { requests: 0, last: Promise.resolve() };
    if (line.requests >= this.maxRequests) {
      socket.destroy();
      return false;
    }
    const before = line.last;
    line.requests++;
    line.last = new Promise(resolve => {
      response.once('close', () => {
        line.requests--;
        resolve();
      });
    });
    this.lines.set(socket, line);
    await before;
    return !socket.destroyed;
  }
}
