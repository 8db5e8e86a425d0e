import { Exchange, type RequestHead } from '../../../sidecar/exchange/exchange.ts';
import type { RequestBody } from '../../../sidecar/exchange/request-body.ts';
import type { Call, Reply, ResponseHead } from '../../../sidecar/exchange/service.ts';
import type { Tunnel } from '../../../sidecar/exchange/tunnel.ts';

/** An exchange of a GET that began at `startedAt`. */
export function anExchange(
  head: Partial<RequestHead> = {},
  startedAt = 0,
  body: RequestBody | null = null,
  tunnel: Tunnel | null = null,
): Exchange {
  return new Exchange(
    {
      method: 'GET',
      version: '1.1',
      target: '/stock/7',
      authority: 'inventory',
      fields: [],
      upgrade: null,
      ...head,
    },
    body,
    tunnel,
    startedAt,
  );
}

export function aResponseHead(head: Partial<ResponseHead> = {}): ResponseHead {
  return {
    status: 200,
    version: '1.1',
    reason: 'OK',
    fields: [],
    bodyLength: 0,
    upgrade: null,
    tunnel: false,
    endsWithConnection: false,
    ...head,
  };
}

/** Notes the names of the calls it gets. */
export class NotedReply implements Reply {
  readonly calls: string[] = [];

  informational(): void {
    this.calls.push('informational');
  }
  head(): void {
    this.calls.push('head');
  }
  data(): void {
    this.calls.push('data');
  }
  flush(): void {
    this.calls.push('flush');
  }
  end(): void {
    this.calls.push('end');
  }
  fail(): void {
    this.calls.push('fail');
  }
}

export const A_CALL: Call = { pause() {}, resume() {}, cancel() {} };
