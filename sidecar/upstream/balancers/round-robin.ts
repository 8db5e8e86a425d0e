import type { AttemptTarget } from '../../exchange/exchange.ts';
import type { Endpoint } from '../endpoint.ts';
import type { Balancer } from './balancer.ts';
import { candidatesOf, totalShare, usableOf } from './candidates.ts';

/**
 * Takes endpoints in turn, as often as their weights say and spread as evenly as that allows: a, a, b, a for weights of 3 and 1.
 * The smooth weighted round robin known from nginx: with each pick every endpoint's credit grows by its weight; the one with the
 * most is taken and pays the weight of all.
 */
export class RoundRobin implements Balancer {
  private readonly random: () => number;
  private turns: readonly Turn[] = [];
  private usable: readonly Endpoint[] = [];

  /** @param random from 0 to below 1; decides with whom to begin, so that sidecars started together do not go in step */
  constructor(random: () => number) {
    this.random = random;
  }

  update(endpoints: readonly Endpoint[]): void {
    const before = new Map(this.turns.map(turn => [turn.endpoint, turn.credit]));
    this.usable = usableOf(endpoints);
    this.turns = this.usable.map(endpoint => {
      const credit = before.get(endpoint) ?? this.random() * endpoint.share;
      return new Turn(endpoint, credit);
    });
    settle(this.turns, totalShare(this.usable));
  }

  pick(tried: readonly AttemptTarget[]): Endpoint | null {
    const candidates = tried.length === 0 ? null : candidatesOf(this.usable, tried);
    let best: Turn | null = null;
    let total = 0;
    for (const turn of this.turns) {
      if (candidates !== null && !candidates.includes(turn.endpoint)) continue;
      turn.credit += turn.endpoint.share;
      total += turn.endpoint.share;
      if (best === null || turn.credit > best.credit) best = turn;
    }
    if (best === null) return null;
    best.credit -= total;
    return best.endpoint;
  }
}

class Turn {
  readonly endpoint: Endpoint;
  credit: number;

  constructor(endpoint: Endpoint, credit: number) {
    this.endpoint = endpoint;
    this.credit = credit;
  }
}

/**
 * Makes credits that are left from another set, or from other weights, mean the same in this one: their sum is zero, so that a
 * new endpoint is neither preferred nor kept waiting, and none is further from it than a round.
 */
function settle(turns: readonly Turn[], total: number): void {
  let sum = 0;
  for (const turn of turns) {
    turn.credit = Math.max(-total, Math.min(total, turn.credit));
    sum += turn.credit;
  }
  for (const turn of turns) turn.credit -= sum / turns.length;
}
