import { UNKNOWN_LENGTH } from './body-length.ts';
import { type BodySource, RequestBody } from './request-body.ts';

/** The application's end of a tunnel. */
export interface TunnelPeer extends BodySource {
  /** The upstream sends no more; the application may still (TCP half-close). */
  upstreamEnded(): void;
}

/** Two-way bytes after a CONNECT or an upgrade: what comes from the upstream is the answer's data, the rest is here. */
export class Tunnel {
  /** What the application sends. */
  readonly body: RequestBody;
  readonly peer: TunnelPeer;

  constructor(peer: TunnelPeer) {
    this.peer = peer;
    this.body = new RequestBody(peer, UNKNOWN_LENGTH, 0);
  }
}
