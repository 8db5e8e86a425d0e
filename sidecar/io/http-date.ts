/** The time as a `Date` field has it (RFC 9110 section 5.6.7), made anew once a second. */
export class HttpDate {
  private readonly clock: () => number;
  private second = -1;
  private text = '';

  /** @param clock milliseconds since 1970 */
  constructor(clock: () => number) {
    this.clock = clock;
  }

  now(): string {
    const now = this.clock();
    const second = Math.floor(now / 1000);
    if (second !== this.second) {
      this.second = second;
      this.text = new Date(now).toUTCString();
    }
    return this.text;
  }
}
