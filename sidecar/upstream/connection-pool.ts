import { type Failure, failure } from '../exchange/failure.ts';
import type { ByteSocket } from '../io/byte-socket.ts';
import { Timer, type TimerOwner } from '../io/timer-wheel.ts';
import type { UpstreamCounters } from '../telemetry/counters.ts';
import type { Attempt, ConnectionSource } from './attempt.ts';
import { ConnectionLimit, type Starved } from './connection-limit.ts';
import { Dial, type DialListener } from './dial.ts';
import type { Endpoint } from './endpoint.ts';
import { Lane, lacksConnections } from './lane.ts';
import { PendingQueue } from './pending-queue.ts';
import { Rest, type RestOwner } from './rest.ts';
import { type ConnectionContext, type ConnectionOwner, UpstreamConnection } from './upstream-connection.ts';

/** What bounds the connections of an upstream. Durations in ms. */
export interface PoolSettings {
  readonly connectTimeout: number;
  /** How long an exchange may stand still, no byte in or out; null: as long as it likes. */
  readonly streamIdle: number | null;
  /** The same for a tunnel. */
  readonly tunnelIdle: number | null;
  /** Connections to all endpoints of the upstream. */
  readonly connections: number;
  /** Attempts that wait because {@link connections} is reached. */
  readonly pending: number;
  readonly pendingFor: number;
  /** Bytes of a request's body that are kept so that it can be sent again. */
  readonly retryBody: number;
}

/** What a pool shares with others. */
export interface PoolContext extends ConnectionContext {
  /** Whether the sidecar itself listens on this local port. */
  readonly isOwnPort: (port: number) => boolean;
  /** Has `run` called once this turn of the event loop is over: not before all sockets that were ready have been read. */
  readonly afterTurn: (run: () => void) => void;
}

const SWEEP_MS = 100;

/**
 * All connections of an upstream, kept per endpoint. The most recently used one is taken first, so that the others
 * grow old and go; what waits is served in order. Where the limit is reached, whoever has waited longest gets the
 * first connection that comes free, to whichever endpoint, rather than one connection being closed for another, save where its
 * own endpoint has less than its share of them. Before anybody waits so, a connection that rests is waited for rather than one
 * to another endpoint being closed.
 */
export class ConnectionPool
  implements
    ConnectionOwner,
    DialListener,
    ConnectionSource,
    RestOwner<UpstreamConnection>,
    Starved,
    TimerOwner
{
  settings: PoolSettings;
  readonly name: string;
  private readonly context: PoolContext;
  private readonly counters: UpstreamCounters;
  private readonly limit: ConnectionLimit;
  private readonly total: ConnectionLimit;
  private readonly lanes = new Map<Endpoint, Lane>();
  private readonly dials = new Set<Dial>();
  private readonly connections = new Set<UpstreamConnection>();
  private readonly rest: Rest<UpstreamConnection>;
  private readonly queue: PendingQueue;
  /** Attempts for each of which a connection rests. */
  private readonly patient = { pendingWaiting: 0 };
  private readonly sweepTimer = new Timer(this);
  private readonly openTo = (endpoint: Endpoint): number => this.lanes.get(endpoint)?.open ?? 0;

  /** @param total the bound on the connections of all upstreams together */
  constructor(
    name: string,
    settings: PoolSettings,
    context: PoolContext,
    counters: UpstreamCounters,
    total: ConnectionLimit,
  ) {
    this.name = name;
    this.settings = settings;
    this.context = context;
    this.counters = counters;
    this.limit = new ConnectionLimit(settings.connections);
    this.total = total;
    this.rest = new Rest(this, context.afterTurn);
    this.queue = new PendingQueue(context.wheel, counters);
  }

  /** Changes the bounds; connections that are open stay. */
  configure(settings: PoolSettings): void {
    this.settings = settings;
    this.limit.max = settings.connections;
    this.onConnectionFreed();
  }

  /** Gives the attempt a connection to its endpoint, now or as soon as there is one. */
  acquire(attempt: Attempt): void {
    const lane = this.lane(attempt.endpoint);
    const now = this.context.wheel.coarseNow;
    const connection = attempt.needsFresh ? null : lane.takeIdle(attempt.exchange.isIdempotent, now);
    if (connection !== null) {
      this.counters.connectionsReused++;
      this.assign(connection, attempt);
    } else if (this.queue.length === 0 && this.isFull && !attempt.needsFresh && lane.hasRestToSpare) {
      // Rather than closing a connection to another endpoint for it: this one is free a moment later.
      lane.patient.push(attempt, this.settings.pendingFor);
    } else if (this.queue.length === 0 && this.makeRoom()) {
      this.openFor(lane, attempt);
    } else {
      this.enqueue(attempt);
    }
  }

  /**
   * The endpoint is gone, and whoever has not reached it yet goes elsewhere: its idle connections are closed, those that are
   * being opened are given up, the others are closed when they have ended what they carry.
   */
  remove(endpoint: Endpoint): void {
    endpoint.isGone = true;
    const lane = this.lane(endpoint);
    for (const connection of [...lane.idle]) connection.abandon();
    const waiting = lane.takeAllWaiting();
    for (const dial of [...this.dials]) if (dial.endpoint === endpoint) this.giveUp(dial, lane);
    this.forgetIfUnused(endpoint, lane);
    for (const attempt of waiting) if (attempt.moveOn()) this.acquire(attempt);
  }

  /** Idle connections to the endpoint. */
  idleCount(endpoint: Endpoint): number {
    const lane = this.lanes.get(endpoint);
    return lane === undefined ? 0 : lane.resting + lane.idle.length;
  }

  /** Closes everything. Attempts under way fail. */
  stop(): void {
    this.context.wheel.stop(this.sweepTimer);
    this.total.forget(this);
    const reason = failure('no-endpoint', `${this.name} is not called any more: the sidecar stops.`);
    for (const { patient } of this.lanes.values())
      for (const attempt of patient.empty()) attempt.fail(reason);
    for (const attempt of this.queue.empty()) attempt.fail(reason);
    for (const connection of [...this.connections]) connection.stop();
    for (const dial of [...this.dials]) {
      dial.abort();
      this.onConnectFailed(dial, reason);
    }
  }

  /** The idle connection that has been unused longest, or null. */
  get oldestIdle(): UpstreamConnection | null {
    let oldest: UpstreamConnection | null = null;
    for (const lane of this.lanes.values()) {
      const first = lane.idle.length > 0 ? lane.idle[0] : null;
      if (first !== null && (oldest === null || first.idleSince < oldest.idleSince)) oldest = first;
    }
    return oldest;
  }

  /** Closes the {@link oldestIdle} connection. @returns whether there was one */
  closeOldestIdle(): boolean {
    const { oldestIdle } = this;
    oldestIdle?.abandon();
    return oldestIdle !== null;
  }

  // What connections tell.

  onConnected(dial: Dial, socket: ByteSocket): void {
    const { endpoint } = dial;
    const lane = this.lane(endpoint);
    this.dials.delete(dial);
    this.counters.connectionsOpen++;
    endpoint.connections++;
    const connection = new UpstreamConnection(endpoint, socket, this, this.context);
    if (this.connections.size === 0) this.startSweep();
    this.connections.add(connection);
    const attempt = lane.waiting.shift();
    if (attempt === undefined) this.offer(connection, lane);
    else this.assign(connection, attempt);
  }

  onConnectFailed(dial: Dial, reason: Failure): void {
    const { endpoint } = dial;
    const lane = this.lane(endpoint);
    this.dials.delete(dial);
    this.counters.connectFailures++;
    const attempt = lane.waiting.shift();
    this.uncount(endpoint, lane);
    this.giveBack();
    // Last, so that there is room for the attempt that may follow.
    attempt?.failFor(reason, !dial.isOwnFault);
  }

  onFree(connection: UpstreamConnection): void {
    this.counters.connectionsBusy--;
    this.lane(connection.endpoint).resting++;
    this.rest.add(connection);
  }

  isWaitedFor({ endpoint }: UpstreamConnection): boolean {
    return this.queue.length > 0 || this.lane(endpoint).isWaitedFor;
  }

  onRested(connection: UpstreamConnection): void {
    const lane = this.lane(connection.endpoint);
    lane.resting--;
    this.offer(connection, lane);
  }

  onClosed(connection: UpstreamConnection): void {
    const lane = this.lane(connection.endpoint);
    this.counters.connectionsOpen--;
    connection.endpoint.connections--;
    if (lane.removeIdle(connection)) {
      const now = this.context.wheel.coarseNow;
      if (connection.wasClosedByEndpoint) lane.idleLimit.onClosed(now - connection.idleSince, now);
    } else if (connection.isResting) {
      connection.isResting = false;
      this.onRestLost(lane);
    } else this.counters.connectionsBusy--;
    this.connections.delete(connection);
    this.uncount(connection.endpoint, lane);
    this.giveBack();
  }

  onStale(_connection: UpstreamConnection, attempt: Attempt): void {
    attempt.exchange.staleReplays++;
    attempt.carrier = null;
    attempt.needsFresh = true;
    // First in line: the place of the connection that is about to be closed is its own.
    this.queue.unshift(attempt, this.settings.pendingFor);
  }

  onKeepAliveHint(connection: UpstreamConnection, keepAlive: string): void {
    this.lane(connection.endpoint).idleLimit.onHint(keepAlive);
  }

  // What waiting attempts and limits tell.

  leave(attempt: Attempt): void {
    this.lanes.get(attempt.endpoint)?.leave(attempt);
    this.queue.remove(attempt);
  }

  waitedTooLong(attempt: Attempt): void {
    this.leave(attempt);
    this.overflow(
      attempt,
      `no connection came free within ${this.settings.pendingFor} ms (limits.pendingFor)`,
    );
  }

  onConnectionFreed(): void {
    while (this.queue.length > 0 && this.makeRoom()) {
      const attempt = this.queue.shift();
      if (attempt === null) return;
      if (!attempt.endpoint.isGone) this.openFor(this.lane(attempt.endpoint), attempt);
      else if (attempt.moveOn()) this.acquire(attempt);
    }
    if (this.queue.length > 0 && this.total.isReached) this.total.wait(this);
  }

  /** Closes what has been idle or silent for too long. */
  onTimer(): void {
    const now = this.context.wheel.coarseNow;
    for (const lane of this.lanes.values()) lane.closeIdle(now);
    const { streamIdle, tunnelIdle } = this.settings;
    for (const connection of [...this.connections]) connection.endIfSilent(now, streamIdle, tunnelIdle);
    if (this.connections.size > 0) this.startSweep();
  }

  private assign(connection: UpstreamConnection, attempt: Attempt): void {
    this.counters.connectionsBusy++;
    connection.send(attempt);
  }

  /** A connection has come free: to whoever waits for this endpoint, else to whoever waits at all, else it is kept. */
  private offer(connection: UpstreamConnection, lane: Lane): void {
    if (connection.endpoint.isGone) {
      lane.idle.push(connection);
      connection.abandon();
      return;
    }
    const next = this.takeWaiting(lane, connection);
    if (next !== null) {
      if (connection.isReused) this.counters.connectionsReused++;
      this.assign(connection, next);
      return;
    }
    connection.isReused = true;
    connection.idleSince = this.context.wheel.coarseNow;
    lane.idle.push(connection);
    // Whoever has waited longest has no use for this connection, but for its place.
    if (this.queue.length > 0 || this.total.isWaitedFor) connection.abandon();
  }

  private takeWaiting(lane: Lane, connection: UpstreamConnection): Attempt | null {
    const own = lane.takeWaiting();
    if (own !== null) return own;
    const { endpoint } = connection;
    const { first } = this.queue;
    if (first === null || !first.canUse(endpoint)) return null;
    if (lacksConnections(first.endpoint, endpoint, this.openTo)) return null;
    this.queue.remove(first);
    first.moveTo(endpoint);
    return first;
  }

  /** A connection was closed while it rested: whoever is left without one by that gets its place. */
  private onRestLost(lane: Lane): void {
    lane.resting--;
    if (lane.patient.length <= lane.resting) return;
    const attempt = lane.patient.shift();
    if (attempt !== null) this.queue.unshift(attempt, this.settings.pendingFor);
  }

  private get isFull(): boolean {
    return this.limit.isReached || this.total.isReached;
  }

  /** Sees to it that one more connection may be opened, at the expense of an idle one if need be. @returns whether it may */
  private makeRoom(): boolean {
    // More than one where a limit was lowered.
    while (this.limit.isReached) if (!this.closeOldestIdle()) return false;
    while (this.total.isReached) if (!this.closeOldestIdle() && !this.total.reclaim()) return false;
    return !this.isFull;
  }

  private openFor(lane: Lane, attempt: Attempt): void {
    lane.waiting.push(attempt);
    this.limit.take();
    this.total.take();
    lane.open++;
    this.counters.connectsStarted++;
    const { wheel, isOwnPort } = this.context;
    this.dials.add(new Dial(attempt.endpoint, this, wheel, this.settings.connectTimeout, isOwnPort));
  }

  private enqueue(attempt: Attempt): void {
    const { pending, pendingFor } = this.settings;
    // A connection that rests is free a moment later: whoever waits for that one is not too many.
    if (this.queue.length + this.patient.pendingWaiting >= pending + this.rest.length) {
      return this.overflow(
        attempt,
        `${this.queue.length} requests wait for a connection already (limits.pending)`,
      );
    }
    this.queue.push(attempt, pendingFor);
    if (!this.limit.isReached) this.total.wait(this);
  }

  private overflow(attempt: Attempt, why: string): void {
    this.counters.overflowed++;
    const limit = this.limit.isReached
      ? `${this.name}: the limit of ${this.limit.max} connections is reached (limits.connections)`
      : `${this.name}: the limit of ${this.total.max} connections in all is reached (connections)`;
    attempt.fail(failure('overflow', `${limit} and ${why}.`, true));
  }

  /** A connection to the endpoint is no more, or did not come up. */
  private uncount(endpoint: Endpoint, lane: Lane): void {
    lane.open--;
    this.forgetIfUnused(endpoint, lane);
  }

  private giveUp(dial: Dial, lane: Lane): void {
    dial.abort();
    this.dials.delete(dial);
    this.uncount(dial.endpoint, lane);
    this.giveBack();
  }

  private forgetIfUnused(endpoint: Endpoint, lane: Lane): void {
    if (endpoint.isGone && lane.isUnused) this.lanes.delete(endpoint);
  }

  private giveBack(): void {
    this.limit.give();
    this.total.give();
    if (this.queue.length > 0) this.onConnectionFreed();
  }

  private startSweep(): void {
    this.context.wheel.start(this.sweepTimer, SWEEP_MS, this.context.wheel.now());
  }

  private lane(endpoint: Endpoint): Lane {
    let lane = this.lanes.get(endpoint);
    if (lane === undefined) {
      lane = new Lane(new PendingQueue(this.context.wheel, this.patient));
      this.lanes.set(endpoint, lane);
    }
    return lane;
  }
}
