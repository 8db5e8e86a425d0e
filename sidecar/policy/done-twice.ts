import type { Policy } from '../../control-plane/contract/policy.ts';
import type { Exchange } from '../exchange/exchange.ts';

/** Whether doing the exchange twice is the same as doing it once (RFC 9110 section 9.2.2), or was said to be. */
export function mayBeDoneTwice(exchange: Exchange, methods: Policy['retry']['methods']): boolean {
  if (methods === 'idempotent') return exchange.isIdempotent;
  return methods === 'any' || methods.includes(exchange.head.method);
}

/**
 * Which of the idempotent requests that wait for an endpoint which does not answer may be sent to another: those that may be sent
 * again once they have reached one. None where a request is never sent twice.
 */
export function movesWaiting({ retry, outliers }: Policy): (exchange: Exchange) => boolean {
  if (retry.attempts === 1 || outliers?.unanswered == null) return () => false;
  return exchange => mayBeDoneTwice(exchange, retry.methods);
}
