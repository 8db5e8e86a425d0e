import type { WatchStream } from './watch-stream.ts';

/** For how long a sidecar that was cut off counts as one that calls, in ms: longer than anybody may wait for a drain. */
export const MISSING_MS = 60_000;

/**
 * Sidecars whose streams the control plane itself has ended, because nothing was heard of them or they did not read. They may be
 * frozen, or behind a network that is torn, and still send to what they were told of last: unlike those whose connections have
 * ended, as they do with their processes.
 */
export class MissingCallers {
  /** By the sidecar's id, whoever was cut off last at the end. */
  private readonly bySidecar = new Map<string, { readonly stream: WatchStream; readonly until: number }>();

  /** @param now monotonic ms */
  add(stream: WatchStream, now: number): void {
    if (stream.peer === null) return;
    this.returned(stream.peer.sidecar);
    this.bySidecar.set(stream.peer.sidecar, { stream, until: now + MISSING_MS });
  }

  /** It has another stream. */
  returned(sidecar: string): void {
    this.bySidecar.delete(sidecar);
  }

  /** The last streams of those who call a service. @param now monotonic ms */
  of(service: string, now: number): WatchStream[] {
    this.forget(now);
    return [...this.bySidecar.values()].flatMap(({ stream }) =>
      stream.services.has(service) ? [stream] : [],
    );
  }

  private forget(now: number): void {
    for (const [sidecar, { until }] of this.bySidecar) {
      if (until > now) return;
      this.bySidecar.delete(sidecar);
    }
  }
}
