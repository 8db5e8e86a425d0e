import { isDeepStrictEqual } from 'node:util';
import type { Policy } from '../../control-plane/contract/policy.ts';
import { type Fields, getField } from '../exchange/fields.ts';

/** Faults made on purpose. Ratios from 0 to 1, durations in ms. */
export type FaultSettings = NonNullable<Policy['fault']>;

/** What becomes of one request. */
export interface Fault {
  /** How long it is delayed, in ms; 0: not at all. */
  readonly delay: number;
  /** What is answered instead of it; null: nothing. */
  readonly abort: number | 'reset' | null;
}

/** One that is left alone. */
export const NO_FAULT: Fault = { delay: 0, abort: null };

/**
 * Decides which requests are delayed and which are aborted, until its time is over. The semantics are those of Envoy's fault filter
 * (`envoy.filters.http.fault`): both are drawn for each request by themselves, a request that is to be aborted is delayed first, and
 * what is beyond `maxActive` is left alone.
 */
export class FaultInjector {
  /** Requests that are delayed right now. */
  active = 0;
  /** Monotonic ms at which it ends. */
  endsAt: number;
  private inForce: FaultSettings;

  /** @param now monotonic ms */
  constructor(settings: FaultSettings, now: number) {
    this.inForce = settings;
    this.endsAt = now + settings.ttl;
  }

  get settings(): FaultSettings {
    return this.inForce;
  }

  /** Takes over settings. The same ones change nothing: their time goes on. */
  configure(settings: FaultSettings, now: number): void {
    if (isDeepStrictEqual(settings, this.inForce)) return;
    this.inForce = settings;
    this.endsAt = now + settings.ttl;
  }

  /** How long it goes on, in ms; 0 where it has ended. */
  left(now: number): number {
    return Math.max(0, this.endsAt - now);
  }

  /**
   * What becomes of a request. @param random from 0 to below 1
   * @param now monotonic ms
   */
  decide(fields: Fields, random: () => number, now: number): Fault {
    if (now >= this.endsAt) return NO_FAULT;
    const { delay, abort, match } = this.inForce;
    if (!match.every(wanted => hasField(fields, wanted))) return NO_FAULT;
    const isDelayed = delay !== null && random() < delay.percent;
    const isAborted = abort !== null && random() < abort.percent;
    if (!isDelayed && !isAborted) return NO_FAULT;
    return { delay: isDelayed ? delay.for : 0, abort: isAborted ? abort.with : null };
  }

  /** Whether one more request may be delayed. */
  get hasRoom(): boolean {
    return this.active < this.inForce.maxActive;
  }
}

function hasField(fields: Fields, { name, value, prefix }: FaultSettings['match'][number]): boolean {
  const found = getField(fields, name.toLowerCase());
  if (found === undefined) return false;
  if (value !== null) return found === value;
  return prefix === null || found.startsWith(prefix);
}
