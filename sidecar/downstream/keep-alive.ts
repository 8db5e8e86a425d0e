import type { Exchange } from '../exchange/exchange.ts';
import type { ParsedRequest } from '../http1/request-head.ts';

/** Whether an application's connection may stay open after the answer to this request (RFC 9112 section 9.3). */
export function mayKeepAlive(
  request: ParsedRequest | null,
  exchange: Exchange | null,
  { isDraining }: { readonly isDraining: boolean },
): boolean {
  if (request === null || exchange === null || isDraining) return false;
  if (!request.keepAlive || request.head.method === 'CONNECT') return false;
  // An answer that comes before the request's end is the last one: what of the body would follow is anyone's guess.
  return exchange.body === null || exchange.body.isComplete;
}
