import type { ControlPlaneBenchOptions } from './options.ts';

/** An instance that a watcher's sidecar has registered. */
export interface PlannedInstance {
  readonly service: string;
  readonly id: string;
  readonly address: string;
  readonly port: number;
  /** Whose stream renews its lease. */
  readonly watcher: number;
}

/** What changes, in words that every control plane has a call for. */
export type PlannedChange =
  | {
      readonly kind: 'weight';
      readonly service: string;
      readonly instance: PlannedInstance;
      readonly weight: number;
    }
  /** An instance is taken out of use, or back into it. */
  | { readonly kind: 'drain' | 'undrain'; readonly service: string; readonly instance: PlannedInstance }
  | { readonly kind: 'policy'; readonly service: string; readonly policy: object };

/** An `undrain` is so many changes behind its `drain`. */
export const UNDRAIN_BEHIND = 5;

type Size = Pick<ControlPlaneBenchOptions, 'services' | 'instances' | 'watchers' | 'uses'>;

/** A mesh of a given size: the same each time. */
export class MeshPlan {
  readonly services: readonly string[];
  readonly instances: readonly PlannedInstance[];
  private readonly size: Size;
  private readonly ofService: ReadonlyMap<string, readonly PlannedInstance[]>;

  constructor(size: Size) {
    this.size = size;
    this.services = Array.from({ length: size.services }, (_, i) => `service-${i}`);
    this.instances = Array.from({ length: size.instances }, (_, i) => ({
      service: this.services[i % size.services],
      id: `instance-${i}`,
      address: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
      port: 8080,
      watcher: i % size.watchers,
    }));
    const ofService = new Map<string, PlannedInstance[]>(this.services.map(service => [service, []]));
    for (const instance of this.instances) ofService.get(instance.service)?.push(instance);
    this.ofService = ofService;
  }

  get watchers(): number {
    return this.size.watchers;
  }

  /** Neighbours use neighbouring services, so that each service has as many watchers as any other, give or take one. */
  servicesOf(watcher: number): string[] {
    const { services, uses, watchers } = this.size;
    const first = Math.floor((watcher * services) / watchers);
    const step = stepFor(services);
    return Array.from({ length: uses }, (_, i) => this.services[(first + i * step) % services]);
  }

  /** The change number `i`. Every tenth writes a policy, four of ten take an instance out of use or back into it. */
  change(i: number): PlannedChange {
    const { services } = this.size;
    const round = Math.floor(i / 10);
    const service = this.services[(i * stepFor(services)) % services];
    switch (i % 10) {
      case 0:
        return { kind: 'policy', service, policy: { timeouts: { total: `${5 + (round % 50)}s` } } };
      case 1:
      case 2:
        return this.drain('drain', i);
      case 6:
      case 7:
        return this.drain('undrain', i - UNDRAIN_BEHIND);
      default: {
        const all = this.ofService.get(service) ?? [];
        // The first one is what is drained and comes back.
        const instance = all[1 + (round % (all.length - 1))];
        return { kind: 'weight', service, instance, weight: 1 + (i % 1000) };
      }
    }
  }

  private drain(kind: 'drain' | 'undrain', i: number): PlannedChange {
    const { services } = this.size;
    const service = this.services[(i * stepFor(services)) % services];
    const [instance] = this.ofService.get(service) ?? [];
    return { kind, service, instance };
  }
}

/** A step by which one comes past every service before coming past one again: it has no divisor in common with their number. */
function stepFor(services: number): number {
  let step = Math.max(1, Math.round(services * 0.38));
  while (greatestCommonDivisor(step, services) > 1) step++;
  return step;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
