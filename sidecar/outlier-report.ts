import type { Log } from '../process/log.ts';
import { OnceInAWhile } from '../process/once-in-a-while.ts';
import type { EjectionReason } from './exchange/ejection-reason.ts';
import type { UpstreamCounters } from './telemetry/counters.ts';
import type { Endpoint } from './upstream/endpoint.ts';
import type { OutlierEvents, OutlierWatch } from './upstream/outlier-watch.ts';
import type { Upstream } from './upstream/upstream.ts';

/** Lines of the log in a row; more are told of once in a while. */
const LINES_IN_A_ROW = 10;

/** Counts what becomes of an upstream's endpoints that are left out, and says so. */
export class OutlierReport implements OutlierEvents {
  private readonly upstream: Upstream;
  private readonly watch: OutlierWatch;
  private readonly counters: UpstreamCounters;
  private readonly log: Log;
  private readonly again = new OnceInAWhile();
  private lines = 0;
  private out = 0;

  constructor(upstream: Upstream, watch: OutlierWatch, counters: UpstreamCounters, log: Log) {
    this.upstream = upstream;
    this.watch = watch;
    this.counters = counters;
    this.log = log;
  }

  onShares(): void {
    this.upstream.updateShares();
    this.countOut();
  }

  onRefused(): void {
    this.counters.ejectionsRefused++;
  }

  onEjected(endpoint: Endpoint, reason: EjectionReason, ms: number): void {
    this.counters.ejections[reason]++;
    const { name } = this.upstream;
    if (!this.isTold()) return;
    this.log.warn(
      { upstream: name, endpoint: endpoint.name, reason },
      `${endpoint.name} of ${name} is left out for ${Math.round(ms)} ms: ${WORDS[reason]} (outliers)`,
    );
  }

  onReturned(endpoint: Endpoint): void {
    const { name } = this.upstream;
    if (!this.isTold()) return;
    this.log.info(
      { upstream: name, endpoint: endpoint.name },
      `${endpoint.name} of ${name} answers and is used again`,
    );
  }

  onMoved(): void {
    this.counters.moved++;
  }

  /** Several upstreams may count together. */
  private countOut(): void {
    const out = this.watch.detection.ejections.out;
    this.counters.ejected += out - this.out;
    this.out = out;
  }

  private isTold(): boolean {
    if (this.again.isDue()) this.lines = 0;
    return this.lines++ < LINES_IN_A_ROW;
  }
}

/** Why an endpoint is left out, for people. */
const WORDS: Readonly<Record<EjectionReason, string>> = {
  'consecutive-failures': 'it failed several times in a row',
  'consecutive-gateway-failures': 'it answered 502, 503 or 504, or not at all, several times in a row',
  'consecutive-local-failures': 'several requests in a row got no whole answer',
  'failure-rate': 'it fails far more often than the others',
  'success-rate': 'its rate of success is far below the mean',
  slow: 'it is far slower than the others',
  unanswered: 'it does not answer what was sent to it',
};
