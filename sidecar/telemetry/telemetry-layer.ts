import type { Exchange } from '../exchange/exchange.ts';
import type { Failure } from '../exchange/failure.ts';
import type { Fields } from '../exchange/fields.ts';
import {
  type Call,
  type Layer,
  PassReply,
  type Reply,
  type ResponseHead,
  type Service,
} from '../exchange/service.ts';
import type { AccessLog } from './access-log.ts';
import type { UpstreamCounters } from './counters.ts';
import { receivedBytes } from './received-bytes.ts';

interface TelemetryOptions {
  readonly counters: UpstreamCounters;
  /** Null where exchanges are not logged. */
  readonly accessLog: AccessLog | null;
  /** Monotonic milliseconds, the clock that {@link Exchange.startedAt} was read from. Read once per exchange. */
  readonly clock: () => number;
}

/**
 * Counts exchanges and offers them to the access log. The outermost layer of an upstream's stack: it sees what the
 * application sees, whatever the policies below made of it.
 */
export function telemetryLayer(options: TelemetryOptions): Layer {
  return next => new TelemetryService(next, options);
}

class TelemetryService implements Service {
  private readonly next: Service;
  private readonly options: TelemetryOptions;

  constructor(next: Service, options: TelemetryOptions) {
    this.next = next;
    this.options = options;
  }

  call(exchange: Exchange, reply: Reply): Call {
    this.options.counters.inFlight++;
    return this.next.call(exchange, new TelemetryReply(reply, exchange, this.options));
  }
}

class TelemetryReply extends PassReply {
  private readonly exchange: Exchange;
  private readonly options: TelemetryOptions;
  private status = 0;
  private isTunnel = false;
  private bytes = 0;

  constructor(reply: Reply, exchange: Exchange, options: TelemetryOptions) {
    super(reply);
    this.exchange = exchange;
    this.options = options;
  }

  override head(head: ResponseHead): void {
    this.status = head.status;
    this.isTunnel = head.tunnel;
    this.reply.head(head);
  }

  override data(chunk: Buffer): void {
    this.bytes += chunk.length;
    // Counted here and not at the end: a tunnel or a long download may run for hours.
    this.options.counters.responseBytes += chunk.length;
    this.reply.data(chunk);
  }

  override end(trailers: Fields | null): void {
    // The application does not see what a fallback covers for; whoever looks after the upstream has to.
    const covered = this.exchange.fallback?.reason ?? null;
    if (covered !== null) this.options.counters.failures[covered.kind]++;
    this.finish(covered);
    this.reply.end(trailers);
  }

  override fail(failure: Failure): void {
    // Before the head the application gets the failure's status; after it, it has its status already.
    if (this.status === 0) this.status = failure.status;
    this.options.counters.failures[failure.kind]++;
    this.finish(failure);
    this.reply.fail(failure);
  }

  private finish(failure: Failure | null): void {
    const { exchange, status } = this;
    const { counters, accessLog } = this.options;
    const now = this.options.clock();
    counters.inFlight--;
    // A status above 599 is to be understood as a 5xx (RFC 9110 section 15).
    counters.answers[status < 600 ? (status / 100) | 0 : 5]++;
    if (exchange.attempts > 1) counters.retries += exchange.attempts - 1 - exchange.hedges;
    counters.staleReplays += exchange.staleReplays;
    counters.requestBytes += receivedBytes(exchange);
    if (!this.isTunnel) counters.latency.observe(now - exchange.startedAt);
    accessLog?.record(exchange, counters.upstream, status, failure, this.bytes, now);
  }
}
