import type { Policy } from '../../control-plane/contract/policy.ts';
import type { Exchange } from '../exchange/exchange.ts';

/** Whether doing the exchange twice is the same as doing it once (RFC 9110 section 9.2.2), or was said to be. */
export function isMethodSafe(exchange: Exchange, methods: Policy['retry']['methods']): boolean {
  if (methods === 'idempotent') return exchange.isIdempotent;
  return methods === 'any' || methods.includes(exchange.head.method);
}
