/**
 * Holds the endpoints' answers back while the connections come up. libuv accepts one connection per turn of the event
 * loop; under full load a turn takes milliseconds, and a thousand connections would take many seconds to be there. With the answers
 * held back nothing else goes on, and when they are let go every connection on either side of the proxy is in use.
 */
export class AnswerGate {
  private held: (() => void)[] | null = null;

  get isClosed(): boolean {
    return this.held !== null;
  }

  /** Requests that wait for their answer. */
  get waiting(): number {
    return this.held?.length ?? 0;
  }

  close(): void {
    this.held ??= [];
  }

  /** Keeps an answer until the gate opens. Requires {@link isClosed}. */
  hold(answer: () => void): void {
    this.held?.push(answer);
  }

  open(): void {
    const held = this.held ?? [];
    this.held = null;
    for (const answer of held) answer();
  }
}
