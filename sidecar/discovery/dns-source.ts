import type { NameResolver } from '../io/name-resolver.ts';
import type { EndpointSpec } from '../upstream/endpoint.ts';
import { type DnsAnswer, type DnsTarget, queryEndpoints } from './dns-query.ts';
import type { EndpointListener, EndpointSource } from './endpoint-source.ts';
import type { Schedule } from './schedule.ts';

export interface DnsSourceOptions {
  readonly target: DnsTarget;
  readonly resolver: NameResolver;
  readonly schedule: Schedule;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** An answer is used for its TTL, but no shorter than this. */
const MIN_TTL_MS = 1000;
/** And no longer than this: Docker's DNS says 600 s of what may change at any moment. */
const MAX_TTL_MS = 5000;

/**
 * Endpoints from DNS: all addresses of a host, or what its SRV records say. Asked again when the TTL is over. When that fails,
 * whatever the reason, the last answer stays in use: a name that is gone for a moment is no reason to stop calling those who
 * are still there, and those who are not will refuse.
 *
 * A name that DNS does not know is looked up by the system's other means, `/etc/hosts` above all. Not the other way round, and not once
 * DNS has known it: where an application's `/etc/hosts` leads to its sidecar, the sidecar reads the same file, and would call itself.
 */
export class DnsSource implements EndpointSource {
  problem: string | null = null;
  private readonly options: DnsSourceOptions;
  private listener: EndpointListener | null = null;
  private current: readonly EndpointSpec[] | null = null;
  private isKnownToDns = false;
  private failures = 0;
  private cancel: (() => void) | null = null;

  constructor(options: DnsSourceOptions) {
    this.options = options;
  }

  start(listener: EndpointListener): void {
    this.listener = listener;
    this.refresh();
  }

  stop(): void {
    this.listener = null;
    this.cancel?.();
    this.cancel = null;
  }

  private refresh(): void {
    const { resolver, target } = this.options;
    queryEndpoints(resolver, target, !this.isKnownToDns).then(
      answer => this.onAnswer(answer),
      error => this.onFailure(error),
    );
  }

  private onAnswer(answer: DnsAnswer): void {
    if (this.listener === null) return;
    this.isKnownToDns ||= answer.isFromDns;
    this.failures = 0;
    const ttl = answer.ttl === null ? MAX_TTL_MS : answer.ttl * 1000;
    this.refreshAfter(Math.min(MAX_TTL_MS, Math.max(MIN_TTL_MS, ttl)));
    const isNews = this.current === null || !isSame(this.current, answer.endpoints);
    // After a problem the same set is told again: that is how the listener learns that it is over.
    if (!isNews && this.problem === null) return;
    this.problem = null;
    this.current = answer.endpoints;
    this.listener.onEndpoints(answer.endpoints);
  }

  private onFailure(error: NodeJS.ErrnoException): void {
    if (this.listener === null) return;
    this.refreshAfter(Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.failures));
    this.failures++;
    const problem = describe(error, this.options.target, this.current !== null);
    if (problem === this.problem) return;
    this.problem = problem;
    this.listener.onProblem(problem);
  }

  /** With up to a fifth more, so that sidecars do not ask all at once. */
  private refreshAfter(delayMs: number): void {
    const { schedule, random } = this.options;
    this.cancel = schedule(() => this.refresh(), delayMs + (delayMs * random()) / 5);
  }
}

const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 10_000;

function isSame(before: readonly EndpointSpec[], now: readonly EndpointSpec[]): boolean {
  return (
    before.length === now.length &&
    before.every(({ id, weight }, i) => id === now[i].id && weight === now[i].weight)
  );
}

function describe(error: NodeJS.ErrnoException, target: DnsTarget, hasAnswer: boolean): string {
  const what = target.port === null ? `the SRV records of '${target.host}'` : `'${target.host}'`;
  const consequence = hasAnswer ? 'the last answer stays in use' : 'there are no endpoints yet';
  return `${reason(error, what)}; ${consequence}.`;
}

function reason(error: NodeJS.ErrnoException, what: string): string {
  switch (error.code) {
    case 'ENOTFOUND':
    case 'ENODATA':
      return `DNS does not know ${what}`;
    case 'ETIMEOUT':
      return `DNS did not answer in time when asked for ${what}`;
    case 'ECONNREFUSED':
      return `No DNS server could be reached to ask for ${what}`;
    default:
      return `DNS could not say ${what} (${error.code ?? error.message})`;
  }
}
