import { afterEach, beforeEach } from 'node:test';
import { failure } from '../../../sidecar/exchange/failure.ts';
import { HttpDate } from '../../../sidecar/io/http-date.ts';
import { UpstreamCounters } from '../../../sidecar/telemetry/counters.ts';
import { Attempt } from '../../../sidecar/upstream/attempt.ts';
import { ConnectionLimit } from '../../../sidecar/upstream/connection-limit.ts';
import {
  ConnectionPool,
  type PoolContext,
  type PoolSettings,
} from '../../../sidecar/upstream/connection-pool.ts';
import type { Endpoint } from '../../../sidecar/upstream/endpoint.ts';
import { anExchange, type ExchangeParts } from '../exchanges.ts';
import { HandClock } from '../hand-clock.ts';
import { RecordedReply } from '../recorded-reply.ts';
import { OK, ScriptedEndpoint } from './scripted-endpoint.ts';

export function aPoolContext(clock: HandClock, values: Partial<PoolContext> = {}): PoolContext {
  return {
    wheel: clock.wheel,
    date: new HttpDate(() => Date.UTC(1994, 10, 15, 8, 12, 31)),
    headSize: 32_768,
    headFields: 128,
    via: '',
    isOwnPort: () => false,
    afterTurn: run => run(),
    ...values,
  };
}

export interface PoolParts {
  readonly settings?: Partial<PoolSettings>;
  readonly total?: ConnectionLimit;
  readonly clock?: HandClock;
  /** By default the turn is over at once. */
  readonly afterTurn?: PoolContext['afterTurn'];
}

/** A pool whose time passes by hand. */
export class PoolUnderTest {
  readonly clock: HandClock;
  readonly counters = new UpstreamCounters('inventory');
  readonly total: ConnectionLimit;
  readonly pool: ConnectionPool;

  constructor({
    settings,
    total = new ConnectionLimit(1000),
    clock = new HandClock(),
    afterTurn = run => run(),
  }: PoolParts = {}) {
    this.clock = clock;
    this.total = total;
    this.pool = new ConnectionPool(
      'inventory',
      {
        connectTimeout: 1_000,
        streamIdle: null,
        tunnelIdle: null,
        connections: 100,
        pending: 100,
        pendingFor: 1_000,
        retryBody: 65_536,
        ...settings,
      },
      aPoolContext(clock, { afterTurn }),
      this.counters,
      total,
    );
  }

  /** Makes an attempt against the endpoint. */
  attempt(endpoint: Endpoint, parts: ExchangeParts & { tried?: Endpoint[]; elsewhere?: Endpoint } = {}) {
    const { tried = [], elsewhere, ...rest } = parts;
    const exchange = anExchange({ startedAt: this.clock.now, ...rest });
    exchange.tried.push(...tried);
    const reply = new RecordedReply();
    const attempt = new Attempt(exchange, reply, endpoint, this.pool, {
      choose: () => elsewhere ?? failure('no-endpoint', 'There is no other.', true),
      chooseOther: () => elsewhere ?? null,
    });
    this.pool.acquire(attempt);
    return { attempt, reply, exchange };
  }

  /** What has to come back to zero. */
  get gauges() {
    const { connectionsOpen, connectionsBusy, pendingWaiting } = this.counters;
    return { open: connectionsOpen, busy: connectionsBusy, waiting: pendingWaiting };
  }
}

/** Two endpoints and any number of pools for each test of a file; they are closed behind it. */
export function usePools() {
  let endpoints: ScriptedEndpoint[] = [];
  let pools: PoolUnderTest[] = [];
  beforeEach(async () => {
    endpoints = await Promise.all(['a', 'b'].map(id => ScriptedEndpoint.start(null, id)));
    pools = [];
  });
  afterEach(async () => {
    for (const { pool } of pools) pool.stop();
    await Promise.all(endpoints.map(endpoint => endpoint.close()));
  });
  const makePool = (parts?: PoolParts): PoolUnderTest => {
    const made = new PoolUnderTest(parts);
    pools.push(made);
    return made;
  };
  return {
    get a() {
      return endpoints[0];
    },
    get b() {
      return endpoints[1];
    },
    makePool,
    /** A pool with an idle connection to `a`. */
    async makeWarmPool(parts?: PoolParts): Promise<PoolUnderTest> {
      const made = makePool(parts);
      const { reply } = made.attempt(endpoints[0].endpoint);
      await answer(endpoints[0], 0);
      await reply.ended;
      return made;
    },
  };
}

/** Answers the next request on the endpoint's `n`th connection. */
export async function answer(endpoint: ScriptedEndpoint, n: number, text = OK): Promise<void> {
  await endpoint.request(n);
  endpoint.connections[n].write(text);
}
