import { Exchange, type RequestHead } from '../../sidecar/exchange/exchange.ts';
import { type BodySource, RequestBody } from '../../sidecar/exchange/request-body.ts';
import type { ResponseHead } from '../../sidecar/exchange/service.ts';
import { Tunnel, type TunnelPeer } from '../../sidecar/exchange/tunnel.ts';

/** When exchanges of tests begin: not at zero, which nothing that counts time may take for "never". */
export const START = 1_000;

export interface ExchangeParts extends Partial<RequestHead> {
  readonly body?: RequestBody | null;
  readonly tunnel?: Tunnel | null;
  readonly startedAt?: number;
}

export function aRequestHead(values: Partial<RequestHead> = {}): RequestHead {
  const authority = values.authority ?? 'inventory';
  return {
    method: 'GET',
    version: '1.1',
    target: '/stock/7',
    authority,
    fields: ['Host', authority],
    upgrade: null,
    ...values,
  };
}

/** A GET without a body, save what is said. */
export function anExchange(parts: ExchangeParts = {}): Exchange {
  const { body = null, tunnel = null, startedAt = START, ...head } = parts;
  return new Exchange(aRequestHead(head), body, tunnel, startedAt);
}

export function aResponseHead(values: Partial<ResponseHead> = {}): ResponseHead {
  return {
    status: 200,
    version: '1.1',
    reason: 'OK',
    fields: [],
    bodyLength: 0,
    upgrade: null,
    tunnel: false,
    endsWithConnection: false,
    ...values,
  };
}

/** The application's connection, as a body or a tunnel sees it. */
export class Application implements TunnelPeer {
  isPaused = false;
  /** How often it was told to stop or to go on. */
  changes = 0;
  hasUpstreamEnded = false;

  pauseBody(): void {
    this.isPaused = true;
    this.changes++;
  }

  resumeBody(): void {
    this.isPaused = false;
    this.changes++;
  }

  upstreamEnded(): void {
    this.hasUpstreamEnded = true;
  }
}

/** A body that has arrived whole. */
export function aCompleteBody(text: string, keepAtMost = 65_536, source: BodySource = new Application()) {
  const body = new RequestBody(source, text.length, keepAtMost);
  body.push(Buffer.from(text));
  body.finish(null);
  return body;
}

export function aTunnel(): { tunnel: Tunnel; application: Application } {
  const application = new Application();
  return { tunnel: new Tunnel(application), application };
}
