/** Which sidecars have a stream. One that reconnects has two for a while, until the loss of the older one is noticed. */
export class StreamTable {
  private readonly streams = new Map<string, { count: number; openedAt: number }>();

  /** @param now monotonic */
  open(sidecar: string, now: number): void {
    const count = this.streams.get(sidecar)?.count ?? 0;
    this.streams.set(sidecar, { count: count + 1, openedAt: now });
  }

  /** @returns when the last stream that it had was opened, in monotonic ms; null while it has another one, or never had any */
  close(sidecar: string): number | null {
    const streams = this.streams.get(sidecar);
    if (streams === undefined) return null;
    streams.count--;
    if (streams.count > 0) return null;
    this.streams.delete(sidecar);
    return streams.openedAt;
  }
}
