import type { AttemptTarget } from '../../exchange/exchange.ts';
import type { Endpoint } from '../endpoint.ts';

/** The endpoints that take requests at all. */
export function usableOf(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  return endpoints.filter(endpoint => endpoint.weight > 0);
}

/** The endpoints that an attempt may go to: those not tried yet; if there are none, those but the one that failed last. */
export function candidatesOf(
  usable: readonly Endpoint[],
  tried: readonly AttemptTarget[],
): readonly Endpoint[] {
  if (tried.length === 0) return usable;
  const untried = usable.filter(endpoint => !tried.includes(endpoint));
  if (untried.length > 0) return untried;
  const others = usable.filter(endpoint => endpoint !== tried[tried.length - 1]);
  return others.length > 0 ? others : usable;
}

/** The sum of the shares. */
export function totalShare(endpoints: readonly Endpoint[]): number {
  let total = 0;
  for (const endpoint of endpoints) total += endpoint.share;
  return total;
}
