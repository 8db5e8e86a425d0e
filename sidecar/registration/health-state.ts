/** So many checks in a row have to fail before an application that was healthy counts as down. One success makes it healthy. */
const FAILURES_UNTIL_DOWN = 2;
/** So many checks in a row have to find the same before it is more than what a start looks like. */
const FAILURES_UNTIL_LASTING = 5;

/** Whether an application is healthy, by its checks so far. Before the first success it is neither up nor down but `unknown`. */
export class HealthState {
  status: 'unknown' | 'up' | 'down' = 'unknown';
  /** Why the last check failed, completing "the application …"; null where it did not. */
  problem: string | null = 'was not checked yet';
  /** The same once it lasts: an application that has just been started is not complained of. */
  lasting: string | null = null;
  private failures = 0;
  private alike = 0;

  /** @param problem what a check found; null: that all is well */
  onCheck(problem: string | null): void {
    this.alike = problem === this.problem ? this.alike + 1 : 1;
    this.problem = problem;
    this.lasting = this.alike >= FAILURES_UNTIL_LASTING ? problem : null;
    if (problem === null) {
      this.failures = 0;
      this.status = 'up';
      return;
    }
    this.failures++;
    if (this.status === 'up' && this.failures >= FAILURES_UNTIL_DOWN) this.status = 'down';
  }
}
