import type { Exchange } from '../exchange/exchange.ts';
import { failure } from '../exchange/failure.ts';
import { type Call, ENDED_CALL, type Reply, type Service } from '../exchange/service.ts';
import { Attempt } from './attempt.ts';
import type { Balancer } from './balancers/balancer.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { Endpoint, type EndpointSpec } from './endpoint.ts';

/**
 * A service as its callers see it: its endpoints, the balancer that chooses among them, and the connections to them.
 * Calling it makes one attempt; everything about several attempts is in the layers above.
 */
export class Upstream implements Service {
  readonly name: string;
  readonly pool: ConnectionPool;
  /** What discovery could not do last, or null. */
  problem: string | null = null;
  /** Told after every change of the endpoints. */
  onChange: () => void = () => {};
  private balancer: Balancer;
  private byId = new Map<string, Endpoint>();
  /** Those that take requests at all and are used only where nothing better is left. */
  private lastResort: readonly Endpoint[] = [];
  private usable = 0;

  constructor(name: string, balancer: Balancer, pool: ConnectionPool) {
    this.name = name;
    this.balancer = balancer;
    this.pool = pool;
  }

  get endpoints(): Iterable<Endpoint> {
    return this.byId.values();
  }

  /** Whether there is any endpoint that an attempt could go to. */
  get isEmpty(): boolean {
    return this.usable === 0;
  }

  /** Replaces the balancer; endpoints and connections stay. */
  balanceWith(balancer: Balancer): void {
    this.balancer = balancer;
    this.rebalance();
  }

  /** Takes over the whole set. An endpoint that is named again keeps its connections and counts. */
  setEndpoints(specs: readonly EndpointSpec[]): void {
    const before = this.byId;
    this.byId = new Map();
    for (const spec of specs) this.byId.set(spec.id, takeOver(before.get(spec.id), spec));
    const gone = [...before.values()].filter(endpoint => this.byId.get(endpoint.id) !== endpoint);
    this.finishChange(gone);
  }

  /**
   * Changes some endpoints and leaves the others alone.
   * @param set those that are new or different
   * @param removed the ids of those that are gone
   */
  changeEndpoints(set: readonly EndpointSpec[], removed: readonly string[]): void {
    const gone: Endpoint[] = [];
    for (const id of removed) {
      const endpoint = this.byId.get(id);
      if (endpoint !== undefined) gone.push(endpoint);
      this.byId.delete(id);
    }
    for (const spec of set) {
      const before = this.byId.get(spec.id);
      const endpoint = takeOver(before, spec);
      if (before !== undefined && endpoint !== before) gone.push(before);
      this.byId.set(spec.id, endpoint);
    }
    this.finishChange(gone);
  }

  /** Whether an attempt could go to an endpoint other than the one that the exchange was sent to last. */
  hasOther(exchange: Exchange): boolean {
    const last = exchange.tried[exchange.tried.length - 1];
    for (const endpoint of this.byId.values()) {
      if (endpoint !== last && endpoint.weight > 0) return true;
    }
    return false;
  }

  call(exchange: Exchange, reply: Reply): Call {
    const endpoint = this.pick(exchange);
    if (endpoint === null) {
      const why = this.byId.size === 0 ? 'has no endpoint' : 'has only endpoints of weight 0';
      reply.fail(
        failure(
          'no-endpoint',
          `${this.name} ${why}. ${this.problem ?? 'Start an instance of it, or check its configuration.'}`,
          true,
        ),
      );
      return ENDED_CALL;
    }
    const attempt = new Attempt(exchange, reply, endpoint, this.pool);
    this.pool.acquire(attempt);
    return attempt;
  }

  stop(): void {
    this.pool.stop();
  }

  /** One of the last resort is chosen only where all the others were tried already. */
  private pick({ tried }: Exchange): Endpoint | null {
    const endpoint = this.balancer.pick(tried);
    if (tried.length === 0 || endpoint === null || !tried.includes(endpoint)) return endpoint;
    return this.lastResort.find(other => !tried.includes(other)) ?? endpoint;
  }

  private finishChange(gone: readonly Endpoint[]): void {
    this.rebalance();
    for (const endpoint of gone) this.pool.remove(endpoint);
    this.onChange();
  }

  private rebalance(): void {
    const preferred: Endpoint[] = [];
    const lastResort: Endpoint[] = [];
    for (const endpoint of this.byId.values()) {
      if (endpoint.weight > 0) (endpoint.isLastResort ? lastResort : preferred).push(endpoint);
    }
    this.usable = preferred.length + lastResort.length;
    this.lastResort = lastResort;
    this.balancer.update(preferred.length > 0 ? preferred : lastResort);
  }
}

/** An endpoint is the same as long as who it is and where it is are the same. */
function takeOver(before: Endpoint | undefined, spec: EndpointSpec): Endpoint {
  if (before === undefined || before.address !== spec.address || before.port !== spec.port) {
    return new Endpoint(spec);
  }
  before.update(spec);
  return before;
}
