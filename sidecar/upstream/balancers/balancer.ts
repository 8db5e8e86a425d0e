import type { AttemptTarget } from '../../exchange/exchange.ts';
import type { Endpoint } from '../endpoint.ts';

/** Chooses the endpoint of an attempt. One file per algorithm beside this one. */
export interface Balancer {
  /** The endpoints to choose from have changed. Endpoints that stay keep what the balancer knows of them. */
  update(endpoints: readonly Endpoint[]): void;
  /**
   * @param tried endpoints that this exchange was sent to already: taken again only where there is no other
   * @returns null where there is no endpoint with a weight above zero
   */
  pick(tried: readonly AttemptTarget[]): Endpoint | null;
}
