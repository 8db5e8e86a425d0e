import { type Logger, pino } from 'pino';
import type { LogDestination } from '../../process/log-destination.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { FAILURES, type Failure } from '../exchange/failure.ts';
import { getField } from '../exchange/fields.ts';
import { AccessLogEntry, toLine, toText } from './access-log-entry.ts';
import { receivedBytes } from './received-bytes.ts';

export interface AccessLogCounts {
  /** Lines handed to the destination. */
  written: number;
  /** Exchanges that were not logged because there were too many of them. */
  suppressed: number;
}

export interface AccessLogOptions {
  readonly format: 'json' | 'text';
  /** The share of successful exchanges that are logged, 0 to 1. Failures always are, within `perSecond`. */
  readonly sample: number;
  /** Lines per second at most, 1 or more; a burst of as many is taken at once after a quiet second. */
  readonly perSecond: number;
  readonly destination: Pick<LogDestination, 'write'>;
  /** Counted on by this log: they outlive one that another takes the place of. */
  readonly counts: AccessLogCounts;
  /** Monotonic milliseconds, the clock of {@link Exchange.startedAt}. */
  readonly clock: () => number;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  /** From 0 to below 1; decides what is sampled. */
  readonly random: () => number;
}

/**
 * A line per exchange, bounded. While a request is served only a few values are noted; lines are formatted and
 * written in batches, to a destination that drops lines rather than waits. What is above the bound is counted
 * and told of once a second; failures, and what was retried, go before plain successes, which leave them a fifth of the bound.
 */
export class AccessLog {
  private readonly options: AccessLogOptions;
  /** Null where the format is text. */
  private readonly json: Logger | null;
  private readonly reserve: number;
  private readonly entries: AccessLogEntry[] = [];
  private used = 0;
  private tokens: number;
  private refilledAt: number;
  private suppressedTold: number;
  private toldAt = Number.NEGATIVE_INFINITY;
  private flushTimer: NodeJS.Timeout | null = null;
  private tellTimer: NodeJS.Timeout | null = null;

  constructor(options: AccessLogOptions) {
    this.options = options;
    this.suppressedTold = options.counts.suppressed;
    this.json = options.format === 'json' ? pino(JSON_OPTIONS, options.destination) : null;
    this.reserve = options.perSecond * FAILURE_SHARE;
    this.tokens = options.perSecond;
    this.refilledAt = options.clock();
  }

  /**
   * Notes an exchange that has ended, if it is to be logged and the bound allows.
   * @param status of the answer that the application got, 0 where it got none
   * @param responseBytes of the answer's body
   * @param now monotonic milliseconds
   */
  record(
    exchange: Exchange,
    upstream: string,
    status: number,
    failure: Failure | null,
    responseBytes: number,
    now: number,
  ): void {
    const isRemarkable = failure !== null || status >= 500 || wentADetour(exchange);
    if (!isRemarkable && !this.isSampled()) return;
    if (!this.takeToken(isRemarkable, now)) return;
    const { head, tried } = exchange;
    const entry = this.nextEntry();
    entry.method = head.method;
    entry.target = head.target;
    entry.authority = head.authority;
    entry.requestId = getField(head.fields, 'x-request-id') ?? '';
    entry.upstream = upstream;
    entry.endpoint = tried.length > 0 ? tried[tried.length - 1].name : '';
    entry.status = status;
    entry.requestBytes = receivedBytes(exchange);
    entry.responseBytes = responseBytes;
    entry.attempts = exchange.attempts;
    entry.retryRefused = exchange.retryRefused;
    entry.fallback = exchange.fallback?.kind ?? null;
    entry.coveredStatus = exchange.fallback?.status ?? 0;
    entry.staleReplays = exchange.staleReplays;
    entry.moves = exchange.moves;
    entry.ends = exchange.ends;
    entry.waited = exchange.waited;
    entry.hedges = exchange.hedges;
    entry.injectedDelay = exchange.injectedDelay;
    entry.startedAt = exchange.startedAt;
    entry.endedAt = now;
    noteFailure(entry, failure);
  }

  /**
   * Notes a request that was refused before it became an exchange: nothing that it said can be relied on.
   * @param now monotonic milliseconds
   */
  recordRefused(failure: Failure, now: number): void {
    if (!this.takeToken(true, now)) return;
    const entry = this.nextEntry();
    entry.status = failure.status;
    entry.startedAt = now;
    entry.endedAt = now;
    noteFailure(entry, failure);
  }

  /** Writes what was noted. */
  flush(): void {
    if (this.flushTimer !== null) clearTimeout(this.flushTimer);
    this.flushTimer = null;
    const { clock, wallClock, destination } = this.options;
    const now = clock();
    const wallOffset = wallClock() - now;
    for (let i = 0; i < this.used; i++) {
      const line = toLine(this.entries[i], wallOffset);
      this.entries[i].clear();
      if (this.json !== null) this.json.info(line);
      else destination.write(`${toText(line)}\n`);
    }
    this.options.counts.written += this.used;
    this.used = 0;
    this.tellSuppressed(now, wallOffset);
  }

  /** Writes what was noted and stops the timers. The destination stays open. May be called twice. */
  stop(): void {
    this.toldAt = Number.NEGATIVE_INFINITY;
    this.flush();
  }

  private isSampled(): boolean {
    const { sample, random } = this.options;
    return sample >= 1 || random() < sample;
  }

  private takeToken(isRemarkable: boolean, now: number): boolean {
    const { perSecond } = this.options;
    this.tokens = Math.min(perSecond, this.tokens + ((now - this.refilledAt) / 1000) * perSecond);
    this.refilledAt = now;
    if (this.tokens - 1 < (isRemarkable ? 0 : this.reserve)) {
      this.options.counts.suppressed++;
      this.scheduleFlush();
      return false;
    }
    this.tokens--;
    return true;
  }

  private nextEntry(): AccessLogEntry {
    if (this.used === LINES_AT_ONCE) this.flush();
    this.scheduleFlush();
    if (this.used === this.entries.length) this.entries.push(new AccessLogEntry());
    return this.entries[this.used++];
  }

  private scheduleFlush(): void {
    this.flushTimer ??= setTimeout(() => this.flush(), FLUSH_MS).unref();
  }

  private tellLater(): void {
    this.tellTimer = null;
    this.flush();
  }

  private tellSuppressed(now: number, wallOffset: number): void {
    const count = this.options.counts.suppressed - this.suppressedTold;
    if (count === 0) return;
    if (now - this.toldAt < 1000) {
      this.tellTimer ??= setTimeout(() => this.tellLater(), this.toldAt + 1000 - now).unref();
      return;
    }
    if (this.tellTimer !== null) clearTimeout(this.tellTimer);
    this.tellTimer = null;
    this.toldAt = now;
    this.suppressedTold = this.options.counts.suppressed;
    const time = new Date(wallOffset + now).toISOString();
    const message = `exchanges not logged: ${count}, there are more than ${this.options.perSecond} a second`;
    if (this.json !== null) this.json.warn({ time, suppressed: count }, message);
    else this.options.destination.write(`${time} ${message}\n`);
  }
}

/** How much of the bound plain successes may not use. */
const FAILURE_SHARE = 0.2;
/** How long a line waits for others to be written with. */
const FLUSH_MS = 150;
/** Lines that are formatted in one go: half a millisecond's work. With a second's 1,000, no request was served for 8 ms. */
const LINES_AT_ONCE = 64;

const JSON_OPTIONS = {
  base: { log: 'access' },
  timestamp: false,
  formatters: { level: (label: string) => ({ level: label }) },
};

/** What was retried or should have been, moved or delayed is always told of: nobody sees it otherwise. */
function wentADetour({ attempts, moves, injectedDelay, fallback, retryRefused }: Exchange): boolean {
  return attempts > 1 || moves > 0 || injectedDelay > 0 || fallback !== null || retryRefused !== null;
}

function noteFailure(entry: AccessLogEntry, failure: Failure | null): void {
  if (failure === null) return;
  entry.error = failure.kind;
  entry.flag = FAILURES[failure.kind].flag;
  entry.detail = failure.detail;
  if (failure.last !== null) {
    entry.flag += `,${FAILURES[failure.last.kind].flag}`;
    entry.lastError = failure.last.kind;
  }
}
