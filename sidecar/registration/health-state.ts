/** So many checks in a row have to fail before an application that was healthy counts as down. One success makes it healthy. */
const FAILURES_UNTIL_DOWN = 2;

/** Whether an application is healthy, by its checks so far. Before the first success it is neither up nor down but `unknown`. */
export class HealthState {
  status: 'unknown' | 'up' | 'down' = 'unknown';
  /** Why the last check failed, completing "the application …"; null where it did not. */
  problem: string | null = 'was not checked yet';
  private failures = 0;

  /** @param problem what a check found; null: that all is well */
  onCheck(problem: string | null): void {
    this.problem = problem;
    if (problem === null) {
      this.failures = 0;
      this.status = 'up';
      return;
    }
    this.failures++;
    if (this.status === 'up' && this.failures >= FAILURES_UNTIL_DOWN) this.status = 'down';
  }
}
