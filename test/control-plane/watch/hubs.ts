import type { InstanceSpec } from '../../../control-plane/contract/resources.ts';
import type { WatchMessage } from '../../../control-plane/contract/watch-messages.ts';
import { otherActor } from '../../../control-plane/registry/actor.ts';
import { Registry } from '../../../control-plane/registry/registry.ts';
import type { LineSink } from '../../../control-plane/watch/line-sink.ts';
import { WatchHub, type WatchHubOptions } from '../../../control-plane/watch/watch-hub.ts';

/** A reader that remembers what it was told. */
export class Reader implements LineSink {
  waiting = 0;
  isClosed = false;
  isDestroyed = false;
  readonly messages: WatchMessage[] = [];

  write(lines: string): void {
    for (const line of lines.split('\n')) if (line !== '') this.messages.push(JSON.parse(line));
  }

  close(): void {
    this.isClosed = true;
  }

  destroy(): void {
    this.isClosed = true;
    this.isDestroyed = true;
  }

  /** What it was told since it was asked last. */
  take(): WatchMessage[] {
    return this.messages.splice(0);
  }
}

export const ADMIN = otherActor('admin');

/** A hub over a registry, with a clock that is set by hand. */
export function hub(options: WatchHubOptions = {}) {
  const clock = { ms: 1_000_000 };
  const now = () => ({ wall: clock.ms, monotonic: clock.ms });
  const registry = new Registry({ epoch: 'e1', now: now() });
  return { registry, hub: new WatchHub(registry, now, options), clock, now };
}

export function spec(values: Partial<InstanceSpec> = {}): InstanceSpec {
  return {
    id: 'i1',
    service: 'inventory',
    address: '10.0.0.1',
    port: 8080,
    weight: 1,
    zone: null,
    version: null,
    metadata: {},
    ttl: 6000,
    status: 'up',
    ...values,
  };
}

export function hello(
  values: {
    readonly sidecar?: string;
    readonly services?: readonly string[];
    readonly known?: { epoch: string; revision: number } | null;
  } = {},
) {
  return {
    type: 'hello' as const,
    sidecar: 's1',
    service: 'orders',
    instance: 'orders-1',
    version: '1',
    known: null,
    services: ['inventory'],
    ...values,
  };
}
