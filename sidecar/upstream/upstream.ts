import type { Exchange } from '../exchange/exchange.ts';
import { type Failure, failure } from '../exchange/failure.ts';
import { type Call, ENDED_CALL, type Reply, type Service } from '../exchange/service.ts';
import { Attempt, type Chooser, UNWATCHED } from './attempt.ts';
import type { Balancer } from './balancers/balancer.ts';
import type { ConnectionPool } from './connection-pool.ts';
import { Endpoint, type EndpointSpec } from './endpoint.ts';
import type { OutlierWatch } from './outlier-watch.ts';

/** What an attempt would find: somebody to send to; no endpoint; only endpoints that can't be connected to. */
type Availability = 'ready' | 'empty' | 'lost';

/**
 * A service as its callers see it: its endpoints, the balancer that chooses among them, and the connections to them.
 * Calling it makes one attempt; everything about several attempts is in the layers above.
 */
export class Upstream implements Service, Chooser {
  readonly name: string;
  readonly pool: ConnectionPool;
  /** Why there may be no endpoint, a sentence; null where nothing is known to be wrong. */
  explain: () => string | null = () => null;
  /** Told after every change of the endpoints, and of whether they can be reached. */
  onChange: () => void = () => {};
  private balancer: Balancer;
  private byId = new Map<string, Endpoint>();
  /** Endpoints that are gone while something was under way there. */
  private readonly leaving = new Set<Endpoint>();
  /** Looks for endpoints to leave out; null: none is. */
  private readonly watch: OutlierWatch | null;
  /** Those of a weight above 0 that are not left out. */
  private candidates: readonly Endpoint[] = [];
  private usable = 0;
  /** Whether any endpoint that it has or had could be connected to. */
  private wasReached = false;
  private readonly onReach = (): void => this.checkReach();

  constructor(name: string, balancer: Balancer, pool: ConnectionPool, watch: OutlierWatch | null = null) {
    this.name = name;
    this.balancer = balancer;
    this.pool = pool;
    this.watch = watch;
  }

  get endpoints(): Iterable<Endpoint> {
    return this.byId.values();
  }

  /** Whether something is still under way at an endpoint that is gone. */
  get isLeaving(): boolean {
    this.forgetLeft();
    return this.leaving.size > 0;
  }

  /** What is under way there is not waited for any longer: a tunnel may last for days. */
  forgetLeaving(): void {
    this.leaving.clear();
  }

  /**
   * Endpoints that never could be connected to are not lost: where nothing ever was, nothing can be expected to be back.
   */
  get availability(): Availability {
    if (this.usable === 0) return 'empty';
    return this.wasReached && this.loss !== null ? 'lost' : 'ready';
  }

  /** Why the last endpoint was lost; null where one may be reached. */
  get loss(): Failure | null {
    let loss: Failure | null = null;
    for (const endpoint of this.byId.values()) {
      if (endpoint.weight === 0) continue;
      if (endpoint.lost === null) return null;
      loss = endpoint.lost;
    }
    return loss;
  }

  /** What to do where there is no endpoint, a sentence. */
  get remedy(): string {
    return this.explain() ?? `Start an instance of ${this.name}, or check its configuration.`;
  }

  /** What was reached so far says nothing about the endpoints that are told of next. */
  forgetReached(): void {
    this.wasReached = false;
  }

  /** Replaces the balancer; endpoints and connections stay. */
  balanceWith(balancer: Balancer): void {
    this.balancer = balancer;
    this.updateShares();
  }

  /** Which endpoints are left out, or how much those get that are back, has changed. */
  updateShares(): void {
    this.candidates = this.watch === null ? this.members() : this.watch.detection.ejections.candidates;
    const preferred = this.candidates.filter(({ isLastResort }) => !isLastResort);
    this.balancer.update(preferred.length > 0 ? preferred : this.candidates);
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

  /** In how many ms an endpoint that is left out is tried. */
  triedIn(endpoint: Endpoint): number {
    return this.watch?.triedIn(endpoint) ?? 0;
  }

  /** Whether an attempt could go to an endpoint other than the one that the exchange was sent to last. */
  hasOther(exchange: Exchange): boolean {
    const last = exchange.tried[exchange.tried.length - 1];
    return this.candidates.some(endpoint => endpoint !== last);
  }

  /** Whether there is an endpoint that the exchange was not sent to yet. */
  hasUntried({ tried }: Exchange): boolean {
    return this.candidates.some(endpoint => !tried.includes(endpoint));
  }

  /** The same, of those that are of use. */
  hasSpare({ tried }: Exchange): boolean {
    return this.candidates.some(
      endpoint =>
        endpoint.lost === null &&
        !endpoint.isLastResort &&
        !endpoint.ejection.isOut &&
        !tried.includes(endpoint),
    );
  }

  /** Whether the endpoint that the exchange was sent to last is gone, or can't be connected to any more. */
  hasLost(exchange: Exchange): boolean {
    if (!this.wasReached) return false;
    const last = exchange.tried[exchange.tried.length - 1];
    for (const endpoint of this.byId.values()) {
      if (endpoint === last) return endpoint.lost !== null;
    }
    return last !== undefined;
  }

  /** Whether the endpoint that the exchange was sent to last can be connected to, as far as is known. */
  isReached({ tried }: Exchange): boolean {
    const last = tried[tried.length - 1];
    for (const endpoint of this.byId.values()) {
      if (endpoint === last) return endpoint.wasReached && endpoint.lost === null;
    }
    return false;
  }

  call(exchange: Exchange, reply: Reply): Call {
    const chosen = this.choose(exchange);
    if (!(chosen instanceof Endpoint)) {
      reply.fail(chosen);
      return ENDED_CALL;
    }
    exchange.body?.keepNoMoreThan(this.pool.settings.retryBody);
    const attempt = new Attempt(exchange, reply, chosen, this.pool, this, this.watch ?? UNWATCHED);
    this.pool.acquire(attempt);
    return attempt;
  }

  choose(exchange: Exchange): Endpoint | Failure {
    return this.pick(exchange) ?? this.noEndpoint();
  }

  chooseOther(exchange: Exchange): Endpoint | null {
    const other = this.pick(exchange);
    if (other === null || exchange.tried.includes(other)) return null;
    return other.ejection.isOut || other.lost !== null ? null : other;
  }

  /** Closes everything. Attempts under way fail, and find no endpoint to follow them at. */
  stop(): void {
    this.watch?.stop();
    this.byId.clear();
    this.rebalance();
    this.pool.stop();
  }

  /**
   * One of the last resort is chosen only where all the others were tried already. A further attempt looks for an endpoint that is
   * not known to be lost.
   */
  private pick(exchange: Exchange): Endpoint | null {
    const { tried } = exchange;
    if (tried.length === 0) return this.watch?.wants(exchange) ?? this.balancer.pick(tried);
    const endpoint = this.balancer.pick(tried);
    if (endpoint === null) return endpoint;
    const isUntried = !tried.includes(endpoint);
    if (isUntried && endpoint.lost === null) return endpoint;
    const others = this.candidates.filter(other => !tried.includes(other));
    const reachable = others.filter(({ lost }) => lost === null);
    const best = reachable.find(({ isLastResort }) => !isLastResort) ?? reachable[0];
    if (best !== undefined) return best;
    if (isUntried || others.length > 0) return isUntried ? endpoint : others[0];
    return endpoint === tried[tried.length - 1] ? this.otherThan(endpoint) : endpoint;
  }

  /** Where all were tried: rather any other than the one that has just failed, but none that is left out. */
  private otherThan(last: Endpoint): Endpoint {
    const others = this.candidates.filter(endpoint => endpoint !== last);
    return others.find(({ lost }) => lost === null) ?? others[0] ?? last;
  }

  private checkReach(): void {
    this.wasReached ||= [...this.byId.values()].some(endpoint => endpoint.wasReached);
    // Who is left out while others are lost is used after all.
    if (this.watch !== null && this.watch.detection.ejections.out > 0) this.updateShares();
    this.onChange();
  }

  private finishChange(gone: readonly Endpoint[]): void {
    this.rebalance();
    this.forgetLeft();
    for (const endpoint of gone) {
      this.pool.remove(endpoint);
      if (endpoint.outstanding > 0) this.leaving.add(endpoint);
    }
    this.onChange();
  }

  private forgetLeft(): void {
    for (const endpoint of this.leaving) if (endpoint.outstanding === 0) this.leaving.delete(endpoint);
  }

  private noEndpoint(): Failure {
    const why = this.byId.size === 0 ? 'has no endpoint' : 'has only endpoints of weight 0';
    return failure('no-endpoint', `${this.name} ${why}. ${this.remedy}`, true);
  }

  private rebalance(): void {
    for (const endpoint of this.byId.values()) {
      endpoint.onReach = this.onReach;
      this.wasReached ||= endpoint.wasReached;
    }
    const members = this.members();
    this.usable = members.length;
    if (this.watch === null) this.updateShares();
    else this.watch.setMembers(members);
  }

  /** Those that take requests at all. */
  private members(): Endpoint[] {
    return [...this.byId.values()].filter(({ weight }) => weight > 0);
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
