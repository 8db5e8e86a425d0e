import { formatHostPort } from '../../control-plane/contract/host-port.ts';
import type { AttemptTarget } from '../exchange/exchange.ts';
import type { Failure } from '../exchange/failure.ts';
import { Ejection } from './outliers/ejection.ts';
import { EndpointHealth } from './outliers/endpoint-health.ts';
import { Start } from './slow-start.ts';

/** An instance of a service as discovery tells of it. */
export interface EndpointSpec {
  /** Who it is: an address that another instance takes over is another endpoint. */
  readonly id: string;
  /** An IP address or a host name to connect to. */
  readonly address: string;
  readonly port: number;
  /** Its share of the requests relative to the others', 1 to 1000; 0 takes no new requests. */
  readonly weight: number;
  readonly zone: string | null;
  readonly version: string | null;
  /** Used only where there is nothing better: its stream to the control plane broke, or its lease ran out. Absent: false. */
  readonly isLastResort?: boolean;
}

/** An endpoint with what this sidecar counts about it. Lives as long as discovery names it under the same id and address. */
export class Endpoint implements AttemptTarget {
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly name: string;
  weight: number;
  zone: string | null;
  version: string | null;
  /** Discovery names it no more: no connection to it is kept. */
  isGone = false;
  isLastResort: boolean;
  /** Attempts under way. */
  outstanding = 0;
  /** Attempts that were started. */
  attempts = 0;
  /** Attempts that ended in a failure, and answers with a status of 500 and above. */
  failures = 0;
  /** Established connections. Kept by the pool. */
  connections = 0;
  /** Whether a connection to it ever came up. */
  wasReached = false;
  /** Why the last attempt to connect failed, for a reason that lies with the endpoint; null where it did not. */
  lost: Failure | null = null;
  /** How it answers, and whether it is left out for that. */
  readonly health = new EndpointHealth();
  readonly ejection = new Ejection();
  /** Whether it is new beside others. */
  readonly start = new Start();
  /** Told when it is lost, and when it is reached for the first time or again. */
  onReach: () => void = () => {};

  constructor(spec: EndpointSpec) {
    this.id = spec.id;
    this.address = spec.address;
    this.port = spec.port;
    this.name = formatHostPort({ host: spec.address, port: spec.port });
    this.weight = spec.weight;
    this.zone = spec.zone;
    this.version = spec.version;
    this.isLastResort = spec.isLastResort ?? false;
  }

  /** Its weight as it is right now. */
  get share(): number {
    return this.weight * this.ramp;
  }

  /** The part of its weight that counts right now, up to 1: less for a while after it has joined others, or was left out. */
  get ramp(): number {
    return this.ejection.ramp * this.start.ramp;
  }

  /** What keeps others from being sent there: what is under way, and what recent failures weigh. */
  get load(): number {
    return this.outstanding + this.health.penalty;
  }

  /** A connection came up. */
  noteReached(): void {
    if (this.wasReached && this.lost === null) return;
    this.wasReached = true;
    this.lost = null;
    this.onReach();
  }

  /** No connection came up. */
  noteLost(reason: Failure): void {
    const isNews = this.lost === null;
    this.lost = reason;
    if (isNews) this.onReach();
  }

  /** Takes over what may change while the endpoint stays the same. */
  update(spec: EndpointSpec): void {
    this.weight = spec.weight;
    this.zone = spec.zone;
    this.version = spec.version;
    this.isLastResort = spec.isLastResort ?? false;
  }
}
