import type { Exchange } from '../../sidecar/exchange/exchange.ts';
import { type Call, ENDED_CALL, type Reply, type Service } from '../../sidecar/exchange/service.ts';
import { TimerWheel } from '../../sidecar/io/timer-wheel.ts';
import { anExchange, aResponseHead } from './exchanges.ts';
import { RecordedReply } from './recorded-reply.ts';

/** What happens next, in simulated time: nothing waits for a clock. */
export class Simulation {
  now = 0;
  readonly wheel = new TimerWheel(() => this.now);
  private readonly events: { at: number; order: number; run: () => void }[] = [];
  private count = 0;

  constructor() {
    this.turn();
  }

  after(ms: number, run: () => void): void {
    const event = { at: this.now + ms, order: this.count++, run };
    const { events } = this;
    let low = 0;
    for (let high = events.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (isBefore(event, events[middle])) low = middle + 1;
      else high = middle;
    }
    events.splice(low, 0, event);
  }

  /** Lets everything happen that is due until then. */
  runUntil(end: number): void {
    for (let event = this.events.at(-1); event !== undefined && event.at <= end; event = this.events.at(-1)) {
      this.events.pop();
      this.now = event.at;
      event.run();
    }
    this.now = end;
  }

  private turn(): void {
    this.wheel.turn(this.now);
    this.after(10, () => this.turn());
  }
}

function isBefore(a: { at: number; order: number }, b: { at: number; order: number }): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** A server of a number of workers that queues what they can't take yet, without limit. */
export class SimulatedServer {
  workers: number;
  /** How long a worker takes, in ms. */
  serviceTime: () => number;
  private readonly simulation: Simulation;
  private readonly queue: (() => void)[] = [];
  private busy = 0;

  constructor(simulation: Simulation, workers: number, serviceTime: () => number) {
    this.simulation = simulation;
    this.workers = workers;
    this.serviceTime = serviceTime;
  }

  get outstanding(): number {
    return this.busy + this.queue.length;
  }

  serve(onDone: () => void): void {
    this.queue.push(onDone);
    this.work();
  }

  private work(): void {
    while (this.busy < this.workers) {
      const onDone = this.queue.shift();
      if (onDone === undefined) return;
      this.busy++;
      this.simulation.after(this.serviceTime(), () => {
        this.busy--;
        onDone();
        this.work();
      });
    }
  }
}

/** An upstream whose requests go to the server that has the fewest. Answers are whole, and nothing is cancelled. */
export class SimulatedUpstream implements Service {
  readonly servers: readonly SimulatedServer[];
  inFlight = 0;

  constructor(servers: readonly SimulatedServer[]) {
    this.servers = servers;
  }

  call(_exchange: Exchange, reply: Reply): Call {
    this.inFlight++;
    const server = this.servers.reduce((best, one) => (one.outstanding < best.outstanding ? one : best));
    server.serve(() => {
      this.inFlight--;
      reply.head(aResponseHead());
      reply.end(null);
    });
    return ENDED_CALL;
  }
}

/** What became of a request: when it came and how long it took, in ms. */
interface Outcome {
  readonly at: number;
  readonly ms: number;
}

/** Applications that ask, and do not wait for answers before they ask again. */
export class Callers {
  readonly served: Outcome[] = [];
  readonly refused: Outcome[] = [];
  private readonly simulation: Simulation;
  private readonly service: Service;

  constructor(simulation: Simulation, service: Service) {
    this.simulation = simulation;
    this.service = service;
  }

  ask(): void {
    const reply = new RecordedReply();
    const at = this.simulation.now;
    reply.onEnd = () => {
      const outcomes = reply.failure === null ? this.served : this.refused;
      outcomes.push({ at, ms: this.simulation.now - at });
    };
    this.service.call(anExchange({ startedAt: at }), reply);
  }

  /** @param gap how long until the next one, in ms */
  keepAsking(until: number, gap: () => number): void {
    if (this.simulation.now >= until) return;
    this.ask();
    this.simulation.after(gap(), () => this.keepAsking(until, gap));
  }

  /** How many were served until then. */
  servedBy(end: number): number {
    return this.served.filter(({ at, ms }) => at + ms <= end).length;
  }
}

/** How long nine of ten took, with 0.9. */
export function quantile(outcomes: readonly Outcome[], part: number): number {
  const sorted = outcomes.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
}
