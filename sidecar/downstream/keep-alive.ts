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
  // An application that was never told to go on may or may not send its body: what would follow is anyone's guess.
  return !(request.head.expectContinue && exchange.body !== null && exchange.body.receivedBytes === 0);
}
