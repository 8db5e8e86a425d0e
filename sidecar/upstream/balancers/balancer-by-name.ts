import type { Balancer } from './balancer.ts';
import { LeastRequest } from './least-request.ts';
import { Random } from './random.ts';
import { RoundRobin } from './round-robin.ts';

/** The algorithms, as a policy names them. */
export type BalancerName = 'least-request' | 'round-robin' | 'random';

/** @param random from 0 to below 1 */
export function createBalancer(name: BalancerName, random: () => number): Balancer {
  switch (name) {
    case 'least-request':
      return new LeastRequest(random);
    case 'round-robin':
      return new RoundRobin(random);
    case 'random':
      return new Random(random);
  }
}
