import { STATUS_CODES } from 'node:http';
import type { Failure } from '../exchange/failure.ts';
import { ERROR_FIELD, ownHead, RETRY_FIELD } from '../exchange/own-head.ts';
import type { ResponseHead } from '../exchange/service.ts';

/** An answer that the sidecar makes itself. */
export interface OwnAnswer {
  readonly head: ResponseHead;
  readonly body: Buffer;
}

/** Turns a failure into an answer: RFC 9457 problem details, and the code in a field of its own. */
export function problemOf(reason: Failure, date: string): OwnAnswer {
  const title = STATUS_CODES[reason.status] ?? 'Error';
  const problem = {
    type: 'about:blank',
    title,
    status: reason.status,
    detail: reason.detail,
    code: reason.kind,
  };
  const { retryAfterMs } = reason;
  // RFC 9110 section 10.2.3 knows whole seconds only.
  const retryAfter = retryAfterMs === null ? [] : ['Retry-After', String(Math.ceil(retryAfterMs / 1000))];
  return ownAnswer(reason.status, `${JSON.stringify(problem)}\n`, date, [
    'Content-Type',
    'application/problem+json',
    ERROR_FIELD,
    reason.kind,
    ...retryAfter,
    ...(reason.isExhausted ? [RETRY_FIELD, 'exhausted'] : []),
  ]);
}

/** An answer with these fields and this body. */
export function ownAnswer(status: number, text: string, date: string, fields: readonly string[]): OwnAnswer {
  const body = Buffer.from(text);
  const all = [...fields, 'Content-Length', String(body.length), 'Date', date];
  return { head: ownHead(status, all, body.length), body };
}
