import type { Instance, Service } from '../contract/resources.ts';
import type { Mesh } from './route.ts';

/** How many instances a service has, and how they are. */
export interface InstanceCounts {
  readonly instances: number;
  /** Those that callers prefer: `up`, with a lease that is kept. */
  readonly up: number;
  readonly starting: number;
  readonly draining: number;
  readonly down: number;
  readonly suspect: number;
  readonly expired: number;
}

/** A service as the API shows it. */
export type ServiceResource = Service & { readonly counts: InstanceCounts };

export function serviceResource({ registry }: Mesh, service: Service): ServiceResource {
  return { ...service, counts: countsOf(registry.instances(service.name)) };
}

function countsOf(instances: readonly Instance[]): InstanceCounts {
  const count = (is: (instance: Instance) => boolean) => instances.filter(is).length;
  return {
    instances: instances.length,
    up: count(({ status, lease }) => status === 'up' && lease === 'kept'),
    starting: count(({ status }) => status === 'starting'),
    draining: count(({ status }) => status === 'draining'),
    down: count(({ status }) => status === 'down'),
    suspect: count(({ lease }) => lease === 'suspect'),
    expired: count(({ lease }) => lease === 'expired'),
  };
}

/** A part of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  /** What to pass as `after` for the next part; null where this is the last. */
  readonly next: string | null;
}

/** @param all sorted by their keys */
export function pageOf<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  { limit, after }: { readonly limit: number; readonly after: string | null },
): Page<T> {
  const rest = after === null ? all : all.filter(item => keyOf(item) > after);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rest.length > limit && last !== undefined ? keyOf(last) : null };
}
