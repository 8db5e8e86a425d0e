/**
 * Statuses that a policy names, one by one or by a word for several, in a form that is quick to ask. What is above 599 is a 5xx
 * (RFC 9110 section 15).
 */
export class StatusSet {
  /** 1 at each that is one of them: of all that three digits can say. */
  private readonly members = new Uint8Array(1000);

  /** @param named what else is there is passed over: policies name failures beside them */
  constructor(named: readonly unknown[]) {
    const { members } = this;
    for (const name of named) {
      if (name === '5xx') members.fill(1, 500);
      else if (name === 'gateway-error') members.fill(1, 502, 505);
      else if (name === 'retriable-4xx') members[409] = 1;
      else if (typeof name === 'number') members[name] = 1;
    }
  }

  has(status: number): boolean {
    return this.members[status] === 1;
  }
}
