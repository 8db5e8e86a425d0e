import type { InstanceStatus, LeaseState } from '../../../control-plane/contract/resources.ts';

/** What the registry is compared with: the rules of leases written down as plainly as possible, without revisions or events. */

/** One thing that happens. Instances and sidecars are named by numbers, so that they meet often. */
export type Step =
  | {
      readonly kind: 'register';
      readonly service: string;
      readonly id: string;
      readonly port: number;
      readonly status: InstanceStatus;
      readonly sidecar: string | null;
    }
  | {
      readonly kind: 'heartbeat' | 'deregister' | 'drain' | 'undrain';
      readonly service: string;
      readonly id: string;
    }
  | { readonly kind: 'open' | 'break' | 'renew'; readonly sidecar: string }
  | { readonly kind: 'pass' | 'stall'; readonly ms: number }
  | { readonly kind: 'wall'; readonly ms: number }
  | { readonly kind: 'restart' };

export interface ModelInstance {
  readonly service: string;
  readonly id: string;
  port: number;
  status: InstanceStatus;
  sidecar: string | null;
  isDrained: boolean;
  lease: LeaseState;
  deadline: number;
  expiredAt: number;
}

const TTL = 6_000;
const FORGOTTEN_AFTER = 600_000;

export class RegistryModel {
  instances: ModelInstance[] = [];
  private streams: { sidecar: string; openedAt: number }[] = [];
  private now = 0;
  private stalledAt = Number.NEGATIVE_INFINITY;
  /** What the wall clock was set by since anything last happened. */
  private jumped = 0;

  run(step: Step): void {
    switch (step.kind) {
      case 'pass':
        this.now += step.ms;
        this.notice(false);
        return this.tick();
      case 'stall':
        this.now += step.ms;
        this.notice(true);
        return this.tick();
      case 'wall':
        this.jumped += step.ms;
        return;
      case 'restart':
        this.streams = [];
        this.stalledAt = Number.NEGATIVE_INFINITY;
        this.jumped = 0;
        for (const instance of this.instances) {
          if (instance.lease === 'expired') instance.expiredAt = this.now;
          else this.renew(instance);
        }
        return;
    }
    this.notice(false);
    switch (step.kind) {
      case 'register':
        return this.register(step);
      case 'open':
        this.streams.push({ sidecar: step.sidecar, openedAt: this.now });
        return this.renewAll(step.sidecar);
      case 'renew':
        return this.renewAll(step.sidecar);
      case 'break':
        return this.break(step.sidecar);
    }
    const instance = this.instances.find(({ service, id }) => service === step.service && id === step.id);
    if (instance === undefined) return;
    if (step.kind === 'heartbeat') this.renew(instance);
    if (step.kind === 'deregister') this.instances = this.instances.filter(other => other !== instance);
    if (step.kind === 'drain') instance.isDrained = true;
    if (step.kind === 'undrain') {
      instance.isDrained = false;
      if (instance.status === 'draining') instance.status = 'up';
    }
  }

  private register({ service, id, port, status, sidecar }: Step & { kind: 'register' }): void {
    const isOwn = (other: ModelInstance): boolean => other.service === service && other.id === id;
    this.instances = this.instances.filter(other => isOwn(other) || other.port !== port);
    const known = this.instances.find(isOwn);
    if (known === undefined) {
      const rest = { isDrained: false, lease: 'kept', deadline: this.now + TTL, expiredAt: 0 } as const;
      this.instances.push({ service, id, port, status, sidecar, ...rest });
      return;
    }
    const isNewProcess = sidecar !== null && sidecar !== known.sidecar;
    if (isNewProcess || known.lease === 'expired') known.isDrained = false;
    if (sidecar !== null) known.sidecar = sidecar;
    known.port = port;
    known.status = status;
    this.renew(known);
  }

  private renew(instance: ModelInstance): void {
    instance.lease = 'kept';
    instance.deadline = this.now + TTL;
  }

  private renewAll(sidecar: string): void {
    for (const instance of this.instances) if (instance.sidecar === sidecar) this.renew(instance);
  }

  private break(sidecar: string): void {
    const own = this.streams.filter(stream => stream.sidecar === sidecar);
    if (own.length === 0) return;
    this.streams.splice(this.streams.indexOf(own[0]), 1);
    if (own.length > 1) return;
    const isExcused = own[0].openedAt < this.stalledAt && this.now < this.stalledAt + TTL;
    if (isExcused) return;
    for (const instance of this.instances) {
      if (instance.sidecar === sidecar && instance.lease === 'kept') instance.lease = 'suspect';
    }
  }

  private notice(isStall: boolean): void {
    const isJump = Math.abs(this.jumped) > 2_000;
    this.jumped = 0;
    if (!isStall && !isJump) return;
    this.stalledAt = this.now;
    for (const instance of this.instances) {
      if (instance.lease === 'expired') instance.expiredAt = this.now;
      else instance.deadline = this.now + TTL;
    }
  }

  private tick(): void {
    this.instances = this.instances.filter(
      ({ lease, expiredAt }) => lease !== 'expired' || this.now - expiredAt < FORGOTTEN_AFTER,
    );
    for (const instance of this.instances) {
      if (instance.lease === 'expired' || instance.deadline > this.now) continue;
      instance.lease = 'expired';
      instance.expiredAt = this.now;
    }
  }
}
