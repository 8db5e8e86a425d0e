import { UNKNOWN_LENGTH } from '../exchange/body-length.ts';
import { Exchange } from '../exchange/exchange.ts';
import { RequestBody } from '../exchange/request-body.ts';
import { Tunnel, type TunnelPeer } from '../exchange/tunnel.ts';
import type { ParsedRequest } from '../http1/request-head.ts';

/**
 * Makes an exchange of a request whose head has been read.
 * @param peer the connection that it came on: the source of its body, and the application's end of a tunnel
 * @param keepForReplay bytes of the body that are kept so that it can be sent again
 * @param now monotonic milliseconds
 */
export function openExchange(
  { head, framing }: ParsedRequest,
  peer: TunnelPeer,
  keepForReplay: number,
  now: number,
): Exchange {
  const length = framing > 0 ? framing : UNKNOWN_LENGTH;
  const body = framing === 0 ? null : new RequestBody(peer, length, keepForReplay);
  const mayTunnel = head.upgrade !== null || head.method === 'CONNECT';
  return new Exchange(head, body, mayTunnel ? new Tunnel(peer) : null, now);
}
