/** A request that was sent to an endpoint, as far as its wait for the answer is concerned. A node of the endpoint's list of these. */
export abstract class WaitingRequest {
  next: WaitingRequest = this;
  prev: WaitingRequest = this;
  /** Monotonic ms at which it was sent. */
  sentAt = 0;
  /** How many answers its endpoint, and all together, had given when it was sent. */
  answersThen = 0;
  allAnswersThen = 0;
  /** Its answer counts as a failure already. */
  hasFailed = false;

  /** Since when the endpoint has all of it, in monotonic ms; infinity while the application still sends. */
  abstract readonly waitsSince: number;

  get isListed(): boolean {
    return this.next !== this;
  }
}

/** The requests that wait for an answer of an endpoint, the one that was sent first at the front. */
export class WaitingRequests {
  private readonly ends: WaitingRequest = new Ends();

  add(request: WaitingRequest): void {
    const { ends } = this;
    request.prev = ends.prev;
    request.next = ends;
    ends.prev.next = request;
    ends.prev = request;
  }

  /** The one that was sent next after a request of the list, or null. */
  after(request: WaitingRequest): WaitingRequest | null {
    return request.next === this.ends ? null : request.next;
  }

  remove(request: WaitingRequest): void {
    request.prev.next = request.next;
    request.next.prev = request.prev;
    request.next = request;
    request.prev = request;
  }

  /** All of them, as they are now. */
  toArray(): WaitingRequest[] {
    const all: WaitingRequest[] = [];
    for (let request = this.ends.next; request !== this.ends; request = request.next) all.push(request);
    return all;
  }
}

class Ends extends WaitingRequest {
  readonly waitsSince = 0;
}
