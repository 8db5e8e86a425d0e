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
  private balancer: Balancer;
  private byKey = new Map<string, Endpoint>();

  constructor(name: string, balancer: Balancer, pool: ConnectionPool) {
    this.name = name;
    this.balancer = balancer;
    this.pool = pool;
  }

  get endpoints(): Iterable<Endpoint> {
    return this.byKey.values();
  }

  /** Replaces the balancer; endpoints and connections stay. */
  balanceWith(balancer: Balancer): void {
    this.balancer = balancer;
    balancer.update([...this.byKey.values()]);
  }

  /** Takes over the whole set. An endpoint that is named again keeps its connections and counts. */
  setEndpoints(specs: readonly EndpointSpec[]): void {
    const next = new Map<string, Endpoint>();
    for (const spec of specs) {
      const key = keyOf(spec);
      const endpoint = this.byKey.get(key) ?? new Endpoint(spec);
      endpoint.update(spec);
      next.set(key, endpoint);
    }
    const gone = [...this.byKey].filter(([key]) => !next.has(key));
    this.byKey = next;
    this.balancer.update([...next.values()]);
    for (const [, endpoint] of gone) this.pool.remove(endpoint);
  }

  /** Whether an attempt could go to an endpoint other than the one that the exchange was sent to last. */
  hasOther(exchange: Exchange): boolean {
    const last = exchange.tried[exchange.tried.length - 1];
    for (const endpoint of this.byKey.values()) {
      if (endpoint !== last && endpoint.weight > 0) return true;
    }
    return false;
  }

  call(exchange: Exchange, reply: Reply): Call {
    const endpoint = this.balancer.pick(exchange.tried);
    if (endpoint === null) {
      const why = this.byKey.size === 0 ? 'has no endpoint' : 'has only endpoints of weight 0';
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
}

/** An endpoint is the same as long as who it is and where it is are the same. */
function keyOf(spec: EndpointSpec): string {
  return `${spec.id}|${spec.address}|${spec.port}`;
}
