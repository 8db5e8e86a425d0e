/**
 * A message that is not HTTP/1.1 as RFC 9112 has it. The connection it came on can't be trusted about where the next
 * message begins, so it is closed; nothing of the message is passed on.
 */
export class ProtocolError {
  /** The status for an application that sent it: 400 or, where that says more, 408, 413, 414, 417, 431, 501, 505. */
  readonly status: number;
  /** What is wrong, as the continuation of "the request/answer has …". */
  readonly detail: string;

  constructor(status: number, detail: string) {
    this.status = status;
    this.detail = detail;
  }
}

/** A message that breaks the grammar or the framing rules. */
export function malformed(detail: string): ProtocolError {
  return new ProtocolError(400, detail);
}
