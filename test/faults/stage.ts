import { setTimeout as sleep } from 'node:timers/promises';
import { FaultyApp, type FaultyMode } from '../e2e/harness/faulty-app.ts';
import { Arrivals } from './arrivals.ts';
import type { Load } from './load.ts';
import type { Pace } from './load-order.ts';

/** A fault lasts this long, unless the whole run is to be shorter or longer. */
export const USUAL_FAULT_MS = 5_000;

/** What a scenario acts upon: the endpoints, each a process of its own, and the pace of the load. */
export class Stage {
  readonly arrivals: readonly Arrivals[];
  private readonly apps: FaultyApp[] = [];
  /** Those that take over when an endpoint starts again. */
  private readonly understudies: FaultyApp[] = [];
  private readonly load: Load;
  private readonly scale: number;

  private constructor(load: Load, count: number, faultMs: number) {
    this.load = load;
    this.arrivals = Array.from({ length: count }, () => new Arrivals());
    this.scale = faultMs / USUAL_FAULT_MS;
  }

  /** Starts `count` endpoints. @param faultMs how long what takes {@link USUAL_FAULT_MS} takes here */
  static async set(load: Load, count: number, faultMs: number): Promise<Stage> {
    const stage = new Stage(load, count, faultMs);
    try {
      await stage.each(async i => {
        stage.apps[i] = await stage.start(i);
      });
    } catch (error) {
      await stage.strike();
      throw error;
    }
    return stage;
  }

  get ports(): readonly number[] {
    return this.apps.map(({ port }) => port);
  }

  /** Lets time pass: so much, where a fault takes {@link USUAL_FAULT_MS}. */
  async wait(ms: number): Promise<void> {
    await sleep(ms * this.scale);
  }

  async become(mode: FaultyMode, endpoints?: readonly number[]): Promise<void> {
    await this.each(i => this.apps[i].become(mode), endpoints);
  }

  async kill(endpoints?: readonly number[]): Promise<void> {
    await this.each(i => this.apps[i].kill(), endpoints);
  }

  /** Has endpoints answer what they were asked, and end. */
  async stop(endpoints?: readonly number[]): Promise<void> {
    await this.each(i => this.apps[i].stop(), endpoints);
  }

  /**
   * Has the processes ready that will be the endpoints when they start again: what a start costs a machine is no part of what
   * happens to callers.
   */
  async engageUnderstudies(endpoints?: readonly number[]): Promise<void> {
    await this.each(async i => {
      this.understudies[i] = await this.start(i, { port: this.apps[i].port, listensLater: true });
    }, endpoints);
  }

  /** Starts endpoints again for which there are understudies, each where it was. Resolves once they listen. */
  async restart(endpoints?: readonly number[]): Promise<void> {
    await this.each(async i => {
      this.apps[i] = this.understudies[i];
      await this.apps[i].listen();
    }, endpoints);
  }

  freeze(endpoint: number): void {
    this.apps[endpoint].freeze();
  }

  thaw(endpoint: number): void {
    this.apps[endpoint].thaw();
  }

  async pace(pace: Pace): Promise<void> {
    await this.load.change(pace);
  }

  /** Ends every process. What they had told has arrived then. */
  async strike(): Promise<void> {
    await Promise.all([...this.apps, ...this.understudies].map(app => app?.kill()));
  }

  private start(
    endpoint: number,
    where: { readonly port?: number; readonly listensLater?: boolean } = {},
  ): Promise<FaultyApp> {
    const arrivals = this.arrivals[endpoint];
    return FaultyApp.start(`endpoint ${endpoint}`, { ...where, onReport: line => arrivals.add(line) });
  }

  private async each(act: (endpoint: number) => Promise<void>, endpoints?: readonly number[]): Promise<void> {
    await Promise.all((endpoints ?? this.arrivals.map((_, i) => i)).map(act));
  }
}
