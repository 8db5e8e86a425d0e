import type { InstanceCounts, InstanceResource, Page, ServiceResource } from '../contract/answers.ts';
import { formatDuration } from '../contract/duration.ts';
import type { Instance, Service } from '../contract/resources.ts';
import type { Mesh } from './route.ts';

export function serviceResource({ registry }: Mesh, service: Service): ServiceResource {
  return { ...service, counts: countsOf(registry.instances(service.name)) };
}

export function instanceResource(instance: Instance): InstanceResource {
  return { ...instance, ttl: formatDuration(instance.ttl) };
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

/** Which part of a list: how many, and those whose keys come after one. */
export interface PageQuery {
  readonly limit: number;
  readonly after: string | null;
}

/** @param all sorted by their keys */
export function pageOf<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  { limit, after }: PageQuery,
): Page<T> {
  const rest = after === null ? all : all.filter(item => keyOf(item) > after);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rest.length > limit && last !== undefined ? keyOf(last) : null };
}
