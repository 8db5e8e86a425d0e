import type { AttemptTarget } from '../../exchange/exchange.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Balancer } from './balancer.ts';
import { candidatesOf, totalShare, usableOf } from './candidates.ts';

/** Chooses at random, each endpoint with the probability of its weight. Knows nothing of load; needs no state. */
export class Random implements Balancer {
  private readonly random: () => number;
  private usable: readonly Endpoint[] = [];

  /** @param random from 0 to below 1 */
  constructor(random: () => number) {
    this.random = random;
  }

  update(endpoints: readonly Endpoint[]): void {
    this.usable = usableOf(endpoints);
  }

  pick(tried: readonly AttemptTarget[]): Endpoint | null {
    const candidates = candidatesOf(this.usable, tried);
    if (candidates.length === 0) return null;
    return drawByWeight(candidates, this.random);
  }
}

/** @param endpoints at least one, with weights above zero */
export function drawByWeight(endpoints: readonly Endpoint[], random: () => number): Endpoint {
  let left = random() * totalShare(endpoints);
  for (const endpoint of endpoints) {
    left -= endpoint.share;
    if (left < 0) return endpoint;
  }
  // Only rounding leads here.
  return endpoints[endpoints.length - 1];
}
