import { setTimeout as sleep } from 'node:timers/promises';
import type { ChildState } from './child.ts';

/** An instance of a service, as far as killing it is concerned. */
export interface Victim {
  readonly service: string;
  readonly name: string;
  readonly state: ChildState;
  kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  start(signal: AbortSignal): Promise<boolean>;
}

/** What the schedule needs of the world. */
interface KillsContext {
  readonly random: () => number;
  readonly now: () => number;
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** `kill` where an instance is about to go, `back` where it serves again. */
  readonly onEvent: (kind: 'kill' | 'back', text: string) => void;
}

/** The world itself. */
export function realPause(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => {});
}

/**
 * Kills an instance now and then and starts it again at the same address, one at a time, until `signal` aborts. By turns
 * it dies at once (SIGKILL: what it was doing is lost) and is asked to stop (SIGTERM: it finishes what it is doing).
 */
export async function killNowAndThen(
  instances: readonly Victim[],
  context: KillsContext,
  signal: AbortSignal,
): Promise<void> {
  const { random, now, pause, onEvent } = context;
  for (let turn = 0; !signal.aborted; turn++) {
    await pause(1500 + 2500 * random(), signal);
    const victim = chooseVictim(instances, random);
    if (signal.aborted || victim === null) continue;
    const by = turn % 2 === 0 ? 'SIGKILL' : 'SIGTERM';
    const killedAt = now();
    onEvent('kill', `${victim.name} ${by === 'SIGKILL' ? 'killed' : 'told to stop'} (${by})`);
    await victim.kill(by);
    await pause(500 + 1500 * random(), signal);
    if (signal.aborted) return;
    if (await victim.start(signal)) {
      onEvent('back', `${victim.name} is back after ${((now() - killedAt) / 1000).toFixed(1)} s`);
    }
  }
}

/** Any instance whose service has another one, if all instances of the service are up; null where there is none. */
export function chooseVictim(instances: readonly Victim[], random: () => number): Victim | null {
  const candidates = instances.filter(({ service }) => {
    const copies = instances.filter(other => other.service === service);
    return copies.length > 1 && copies.every(copy => copy.state === 'up');
  });
  return candidates[Math.floor(random() * candidates.length)] ?? null;
}
