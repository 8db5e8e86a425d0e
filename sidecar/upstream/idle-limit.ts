/** How long an unused connection is kept where nothing is known: Node before 26 closes after 5 s, others later. */
const DEFAULT_MS = 3_000;
const MAX_MS = 5 * 60_000;
/** What was seen is believed for so long. */
const OBSERVATION_MS = 5 * 60_000;
/** A connection that closes sooner was closed by a restart or a limit, not for being idle. */
const MIN_OBSERVED_MS = 200;

/**
 * How long an idle connection to one endpoint may be kept so that we close it before the endpoint does: learnt from
 * `Keep-Alive: timeout=` and from the ages at which the endpoint closed idle connections, less a second, or less half
 * where that is more than a second.
 */
export class IdleLimit {
  private hinted = DEFAULT_MS;
  private observed = Number.POSITIVE_INFINITY;
  private observedAt = 0;
  private lastHint = '';

  /** The limit in milliseconds at the time `now`. */
  at(now: number): number {
    if (now - this.observedAt > OBSERVATION_MS) this.observed = Number.POSITIVE_INFINITY;
    return Math.min(this.hinted, this.observed);
  }

  /** The endpoint said in a `Keep-Alive` field how long it keeps idle connections. */
  onHint(keepAlive: string): void {
    // The same with every answer: not worth a regular expression each time.
    if (keepAlive === this.lastHint) return;
    this.lastHint = keepAlive;
    const match = /(?:^|[\s,])timeout=(\d{1,9})(?:$|[\s,])/i.exec(keepAlive);
    if (match !== null) this.hinted = Math.min(withMargin(Number(match[1]) * 1000), MAX_MS);
  }

  /** The endpoint closed a connection that had been idle for `age` ms. */
  onClosed(age: number, now: number): void {
    if (age < MIN_OBSERVED_MS) return;
    this.observed = Math.min(this.at(now), withMargin(age));
    this.observedAt = now;
  }
}

function withMargin(ms: number): number {
  return Math.max(ms - 1_000, ms / 2);
}
