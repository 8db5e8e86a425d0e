import type { Exchange } from '../exchange/exchange.ts';

/** Bytes that the application has sent after the head: as the request's body, and through a tunnel. */
export function receivedBytes({ body, tunnel }: Exchange): number {
  const ofBody = body === null ? 0 : body.receivedBytes;
  return tunnel === null ? ofBody : ofBody + tunnel.body.receivedBytes;
}
