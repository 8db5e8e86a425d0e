import type {
  EndpointResource,
  Instance,
  InstanceSpec,
  InstanceStatus,
  LeaseState,
} from '../contract/resources.ts';
import type { StoredInstance } from './stored-state.ts';

/** An instance with its lease, as the registry works with it. Times are monotonic milliseconds. */
export class InstanceEntry {
  stored: StoredInstance;
  /** When the lease runs out, or ran out. */
  deadline: number;
  /** Its sidecar's stream broke, and it was not heard of since. */
  isSuspect = false;
  /** It comes from the store, and was not heard of since. */
  isUnconfirmed = false;
  /** Its lease ran out while too many others did, so it stays in use. */
  isHeld = false;
  /** Since when it has been expired; means nothing while it is not. */
  expiredAt = 0;

  constructor(stored: StoredInstance, deadline: number) {
    this.stored = stored;
    this.deadline = deadline;
  }

  get lease(): LeaseState {
    if (this.stored.isExpired) return 'expired';
    return this.isSuspect ? 'suspect' : 'kept';
  }

  get status(): InstanceStatus {
    const { status, isDrained } = this.stored;
    return isDrained && (status === 'up' || status === 'starting') ? 'draining' : status;
  }

  get addressKey(): string {
    return addressKeyOf(this.stored);
  }

  /** What callers are told of it; null: nothing. */
  toEndpoint(): EndpointResource | null {
    if (this.status !== 'up') return null;
    const { id, address, port, weight, zone, version } = this.stored;
    const ofKept = this.isUnconfirmed ? 'unconfirmed' : 'normal';
    const preference = this.lease === 'kept' ? ofKept : 'last-resort';
    return { id, address, port, weight, zone, version, preference };
  }

  toInstance(): Instance {
    const { isDrained: _drained, isExpired: _expired, ...instance } = this.stored;
    return { ...instance, status: this.status, lease: this.lease };
  }
}

/** Who has the same one is at the same place. */
export function addressKeyOf({ address, port }: Pick<InstanceSpec, 'address' | 'port'>): string {
  return `${canonicalAddress(address.toLowerCase())} ${port}`;
}

/** An IPv6 address may be written in many ways (RFC 5952), and may be an IPv4 address (RFC 4291, section 2.5.5.2). */
function canonicalAddress(address: string): string {
  if (!address.includes(':')) return address;
  // One with a zone (fe80::1%eth0) is no host of a URL.
  if (!URL.canParse(`http://[${address}]/`)) return address;
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical) ?? [];
  if (high === undefined) return canonical;
  const bytes = [high, low].flatMap(text => {
    const word = Number.parseInt(text, 16);
    return [word >> 8, word & 255];
  });
  return bytes.join('.');
}

/** Whether callers would notice no difference. */
export function isSameEndpoint(a: EndpointResource | null, b: EndpointResource | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.id === b.id &&
    a.address === b.address &&
    a.port === b.port &&
    a.weight === b.weight &&
    a.zone === b.zone &&
    a.version === b.version &&
    a.preference === b.preference
  );
}
