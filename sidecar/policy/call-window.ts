/** Over which calls rates are taken: the last so many, or those of the last so many milliseconds. */
export type WindowSize =
  | { readonly kind: 'calls'; readonly calls: number }
  | { readonly kind: 'time'; readonly ms: number };

/** The calls of a window, added up. */
export interface WindowTotals {
  readonly calls: number;
  readonly failed: number;
  readonly slow: number;
}

/** The results of recent calls, added up in constant time (Resilience4j's sliding windows). */
export interface CallWindow {
  /** @param now monotonic ms, not before that of the call before */
  add(failed: boolean, slow: boolean, now: number): void;
  totals(now: number): WindowTotals;
}

export function createWindow(size: WindowSize): CallWindow {
  return size.kind === 'calls' ? new LastCalls(size.calls) : new LastTime(size.ms);
}

const FAILED = 1;
const SLOW = 2;

/** The last so many calls: a ring of their results. */
class LastCalls implements CallWindow {
  private readonly results: Uint8Array;
  private next = 0;
  private calls = 0;
  private failed = 0;
  private slow = 0;

  constructor(calls: number) {
    this.results = new Uint8Array(calls);
  }

  add(failed: boolean, slow: boolean): void {
    const { results, next } = this;
    if (this.calls === results.length) this.count(results[next], -1);
    else this.calls++;
    results[next] = (failed ? FAILED : 0) | (slow ? SLOW : 0);
    this.count(results[next], 1);
    this.next = (next + 1) % results.length;
  }

  totals(): WindowTotals {
    const { calls, failed, slow } = this;
    return { calls, failed, slow };
  }

  private count(result: number, by: 1 | -1): void {
    if ((result & FAILED) !== 0) this.failed += by;
    if ((result & SLOW) !== 0) this.slow += by;
  }
}

/** Into how many parts a time window is divided: it is a tenth of itself off at most. */
const PARTS = 10;

interface Part {
  /** Which part of time it is about, counted from the clock's zero; what lies further back has left the window. */
  number: number;
  calls: number;
  failed: number;
  slow: number;
}

/** The calls of the last milliseconds, added up by tenths of the window. */
class LastTime implements CallWindow {
  private readonly partMs: number;
  private readonly parts: Part[] = Array.from({ length: PARTS }, emptyPart);

  constructor(ms: number) {
    this.partMs = ms / PARTS;
  }

  add(failed: boolean, slow: boolean, now: number): void {
    const number = Math.floor(now / this.partMs);
    const part = this.parts[number % PARTS];
    if (part.number !== number) Object.assign(part, emptyPart(), { number });
    part.calls++;
    if (failed) part.failed++;
    if (slow) part.slow++;
  }

  totals(now: number): WindowTotals {
    const oldest = Math.floor(now / this.partMs) - PARTS + 1;
    const totals = { calls: 0, failed: 0, slow: 0 };
    for (const part of this.parts) {
      if (part.number < oldest) continue;
      totals.calls += part.calls;
      totals.failed += part.failed;
      totals.slow += part.slow;
    }
    return totals;
  }
}

function emptyPart(): Part {
  return { number: Number.NEGATIVE_INFINITY, calls: 0, failed: 0, slow: 0 };
}
