import { setTimeout as sleep } from 'node:timers/promises';
import type { TestedProxy } from '../bench/peers/tested-proxy.ts';
import { RunningProxy } from '../bench/running-proxy.ts';
import { type Figures, figuresOf } from './figures.ts';
import type { Load } from './load.ts';
import { monotonicMs } from './monotonic.ts';
import { type Scenario, STEADY } from './scenarios.ts';
import { Stage } from './stage.ts';

/** What one proxy did in one scenario. */
export interface Trial {
  readonly figures: Figures;
  /** Requests that failed before anything was wrong: then the figures say nothing. */
  readonly failedBefore: number;
  /** The longest time for which the callers themselves had no core. */
  readonly heldUpMs: number;
}

/** A proxy learns what is usual before anything goes wrong. */
const BEFORE_MS = 1_000;

/** Starts endpoints and proxies, lets requests come, makes it bad and good again, and stops everything. */
export async function tryOut(
  proxy: TestedProxy,
  scenario: Scenario,
  faultMs: number,
  load: Load,
  folder: string,
): Promise<Trial> {
  const stage = await Stage.set(load, scenario.endpoints, faultMs);
  const proxies: RunningProxy[] = [];
  try {
    let ports = stage.ports;
    for (let i = 0; i < scenario.layers; i++) {
      proxies.push(await RunningProxy.start(proxy, ports, null, folder));
      ports = [proxies[i].port];
    }
    await scenario.prepare(stage);
    await load.begin({ ...scenario.load, port: ports[0], pace: STEADY });
    await sleep(BEFORE_MS);
    const startedAt = monotonicMs();
    await scenario.fault(stage);
    const endedAt = monotonicMs();
    await sleep(scenario.afterMs);
    const { requests, heldUpMs } = await load.end();
    await stage.strike();
    const before = requests.filter(({ sentAt, tookMs }) => sentAt + tookMs < startedAt);
    return {
      figures: figuresOf({ ...scenario, requests, arrivals: stage.arrivals, startedAt, endedAt }),
      failedBefore: before.filter(({ result }) => result !== 'good' && result !== 'left').length,
      heldUpMs,
    };
  } finally {
    for (const running of proxies.reverse()) await running.stop();
    await stage.strike();
  }
}
