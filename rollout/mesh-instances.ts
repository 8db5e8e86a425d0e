import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiClient, CallFailed } from '../control-plane/commands/api-client.ts';
import type { InstanceResource } from '../control-plane/contract/answers.ts';
import { drainInstance, listInstances, undrainInstance } from '../control-plane/contract/calls.ts';

/** How long one call waits for callers; it is made again until the time is over. */
const WAIT_MS = 5000;
const RETRY_MS = 300;

/** The instances that the control plane knows, found by the addresses of their containers. */
export class MeshInstances {
  private readonly client: ApiClient;

  constructor(client: ApiClient) {
    this.client = client;
  }

  /**
   * All whose lease has not run out.
   * @param patience how long it is asked again where the control plane can not be reached, in ms
   * @throws CallFailed
   */
  async all(patience = 0): Promise<InstanceResource[]> {
    const instances = await patiently(patience, () => this.client.list(listInstances(null)));
    return instances.filter(({ lease }) => lease !== 'expired');
  }

  /**
   * Takes an instance out of use, until every caller has said that it has left it, or the time is over.
   * @param within in ms
   * @returns null where they all have; else who has not, or why that is not known
   */
  async drain(
    { service, id }: InstanceResource,
    within: number,
    signal: AbortSignal | null,
  ): Promise<string | null> {
    const end = performance.now() + within;
    for (;;) {
      signal?.throwIfAborted();
      const left = Math.max(0, Math.round(end - performance.now()));
      let missing: string;
      try {
        const call = drainInstance(service, id, Math.min(left, WAIT_MS));
        const { acknowledged, waitingFor } = await this.client.call(call, signal === null ? {} : { signal });
        if (acknowledged) return null;
        missing =
          waitingFor.length === 0
            ? 'the control plane has just been started, and callers may not be back yet'
            : `these callers have not left it: ${waitingFor.slice(0, 10).join(', ')}`;
      } catch (error) {
        if (!(error instanceof CallFailed)) throw error;
        // It has left by itself.
        if (error.status === 404) return null;
        missing = error.message;
      }
      if (performance.now() + RETRY_MS >= end) return missing;
      await sleep(RETRY_MS, undefined, signal === null ? {} : { signal });
    }
  }

  /** Takes it into use again; one that is gone by now is none. @param patience as of {@link all} @throws CallFailed */
  async undrain({ service, id }: InstanceResource, patience: number): Promise<void> {
    try {
      await patiently(patience, () => this.client.call(undrainInstance(service, id)));
    } catch (error) {
      if (!(error instanceof CallFailed && error.status === 404)) throw error;
    }
  }
}

async function patiently<T>(patience: number, call: () => Promise<T>): Promise<T> {
  const end = performance.now() + patience;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const isAway = error instanceof CallFailed && (error.status === 0 || error.status >= 500);
      if (!isAway || performance.now() + RETRY_MS >= end) throw error;
    }
    await sleep(RETRY_MS);
  }
}
