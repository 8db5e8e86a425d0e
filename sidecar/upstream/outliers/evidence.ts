/** Ejected is what is so many times more likely to be bad than to be as the others. */
const LIKELIHOOD = 100_000;
const ENOUGH = Math.log(LIKELIHOOD);

/**
 * Tells an endpoint that has become bad from one that had bad luck, after as few answers as that takes: the cumulative sum of
 * log-likelihood ratios (Page, Continuous Inspection Schemes, 1954), which what was good before does not hold back. With 1 % as
 * the usual rate and 30 % as the bad one, a failure counts 3.4, an answer -0.35, and 11.5 is enough: four failures in a row, or
 * fifteen requests of which a third fails. With 0.1 % a failure counts 5.7: three in a row, or ten requests. A share within a fixed
 * window would need hundreds, or take bad luck for a fault.
 */
export class Evidence {
  private sum = 0;

  /**
   * @param usual the rate at which others are bad, above 0
   * @param bad the rate from which on an endpoint is bad
   * @returns whether this is enough
   */
  add(isBad: boolean, usual: number, bad: number): boolean {
    if (usual >= bad) {
      this.sum = 0;
      return false;
    }
    if (isBad) this.sum += Math.log(bad / usual);
    else this.sum = Math.max(0, this.sum + Math.log((1 - bad) / (1 - usual)));
    return this.sum >= ENOUGH;
  }

  /** Nothing speaks against the endpoint: an answer that is not bad changes nothing. */
  get isNone(): boolean {
    return this.sum === 0;
  }

  /** Time has passed. */
  fade(): void {
    this.sum /= 2;
  }

  clear(): void {
    this.sum = 0;
  }
}
