import assert from 'node:assert/strict';
import { DownstreamConnection } from '../../../sidecar/downstream/downstream-connection.ts';
import type { DownstreamContext, DownstreamLimits } from '../../../sidecar/downstream/downstream-context.ts';
import type { RequestHead } from '../../../sidecar/exchange/exchange.ts';
import type { Failure } from '../../../sidecar/exchange/failure.ts';
import type { BodySink } from '../../../sidecar/exchange/request-body.ts';
import type { Service } from '../../../sidecar/exchange/service.ts';
import type { TargetForm } from '../../../sidecar/http1/request-head.ts';
import { HttpDate } from '../../../sidecar/io/http-date.ts';
import { DownstreamCounters } from '../../../sidecar/telemetry/counters.ts';
import { HandClock } from '../hand-clock.ts';
import { ScriptedService } from '../scripted-service.ts';
import { MemorySocket } from './memory-socket.ts';

export const DATE = 'Tue, 15 Nov 1994 08:12:31 GMT';

export interface DownstreamParts {
  readonly limits?: Partial<DownstreamLimits>;
  readonly via?: string;
  readonly keepForReplay?: number;
  readonly isDraining?: boolean;
}

/** An application's connection over a memory socket, before a service that does what the test says. */
export class DownstreamUnderTest {
  readonly clock = new HandClock();
  readonly socket = new MemorySocket();
  readonly service = new ScriptedService();
  readonly counters = new DownstreamCounters();
  readonly refused: Failure[] = [];
  readonly routed: { readonly head: RequestHead; readonly form: TargetForm; readonly port: number }[] = [];
  readonly context: DownstreamContext;
  readonly connection: DownstreamConnection;
  isClosed = false;
  /** What serves the next requests; the scripted service where null. */
  router: (head: RequestHead) => Service | null = () => null;

  constructor({ limits, via = '', keepForReplay = 65_536, isDraining = false }: DownstreamParts = {}) {
    this.context = {
      wheel: this.clock.wheel,
      date: new HttpDate(() => Date.UTC(1994, 10, 15, 8, 12, 31)),
      counters: this.counters,
      router: {
        route: (head, form, port) => {
          this.routed.push({ head, form, port });
          return this.router(head) ?? this.service;
        },
      },
      limits: {
        headSize: 32_768,
        headFields: 128,
        headTimeout: 10_000,
        idleTimeout: 60_000,
        pipelined: 65_536,
        halfClose: 5_000,
        requestBody: Number.POSITIVE_INFINITY,
        connections: 1_000,
        ...limits,
      },
      via,
      keepForReplay,
      isDraining,
      onClosed: () => {
        this.isClosed = true;
      },
      onConnectionRefused: () => {},
      onRefused: reason => this.refused.push(reason),
    };
    this.connection = new DownstreamConnection(this.socket, 15_001, this.context);
  }

  /** The call that was made last. */
  get call() {
    return this.service.last;
  }

  /** The application sends. */
  send(text: string): void {
    this.socket.send(text);
  }

  /** What the application has got since this was asked last. */
  take(): string {
    return this.socket.take();
  }
}

/** Takes a body, as an upstream does; wants more while it is told so. */
export class RecordedSink implements BodySink {
  received = '';
  isEnded = false;
  wantsMore = true;

  write(chunk: Buffer): boolean {
    this.received += chunk.toString('latin1');
    return this.wantsMore;
  }

  end(): void {
    assert.equal(this.isEnded, false);
    this.isEnded = true;
  }
}

/** A GET of the target. */
export function get(target = '/', ...fields: readonly string[]): string {
  return `${[`GET ${target} HTTP/1.1`, 'Host: inventory', ...fields].join('\r\n')}\r\n\r\n`;
}

/** A POST with this body and its length. */
export function post(body: string, ...fields: readonly string[]): string {
  const length = `Content-Length: ${body.length}`;
  return `${['POST / HTTP/1.1', 'Host: inventory', length, ...fields].join('\r\n')}\r\n\r\n${body}`;
}

/** The head of an answer with a body of this length. */
export function withLength(length: number, status = 200) {
  return { status, fields: ['Content-Length', String(length)], bodyLength: length };
}
