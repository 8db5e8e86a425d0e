import type { Case } from './case.ts';
import { ScriptedUpstream } from './scripted-upstream.ts';
import { type RunningSidecar, startSidecar } from './sidecar-under-test.ts';

/** A sidecar with upstreams of its own. One case at a time uses it, so whatever reaches the upstreams is that case's. */
export interface Lane {
  readonly key: string;
  readonly sidecar: RunningSidecar;
  readonly up: ScriptedUpstream;
  readonly other: ScriptedUpstream;
}

/** The lanes of the suite: started as cases ask for them, reused while they are sound. */
export class Lanes {
  private readonly idle: Lane[] = [];
  private readonly all = new Set<Lane>();

  async acquire({ settings, outcomes }: Case): Promise<Lane> {
    const key = JSON.stringify(settings);
    const found = this.idle.findIndex(lane => lane.key === key);
    // A sidecar learns from connections that an upstream closes how long it may keep the next one.
    const isFresh = outcomes.some(outcome => outcome.upstreamThen === 'reused');
    if (found >= 0 && !isFresh) return this.idle.splice(found, 1)[0];
    const [up, other] = await Promise.all([ScriptedUpstream.start(), ScriptedUpstream.start()]);
    const sidecar = await startSidecar(up.port, other.port, settings);
    const lane = { key, sidecar, up, other };
    this.all.add(lane);
    return lane;
  }

  /** Gives a lane back after a case that went as it should. */
  release(lane: Lane): void {
    this.idle.push(lane);
  }

  /** After a failed case nobody knows what state the sidecar is in: the next case gets another one. */
  async discard(lane: Lane): Promise<void> {
    this.all.delete(lane);
    await stop(lane);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.all].map(stop));
  }
}

async function stop(lane: Lane): Promise<void> {
  await Promise.all([lane.up.stop(), lane.other.stop()]);
  await lane.sidecar.stop();
}
