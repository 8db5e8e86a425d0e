import { setTimeout as sleep } from 'node:timers/promises';
import { HttpCalls } from '../http-calls.ts';
import type { OnApplied } from '../tested-plane.ts';
import { reconnectDelay } from './reconnect-delay.ts';

/** An entry of `/v1/health/service/NAME`, as far as it matters here. */
interface Entry {
  readonly Service: {
    readonly ID: string;
    readonly Address: string;
    readonly Port: number;
    readonly Weights: { readonly Passing: number };
    readonly Meta: Readonly<Record<string, string>> | null;
  };
  readonly Checks: readonly { readonly Status: string }[];
}

/**
 * A sidecar on Consul: a blocking query after another for each service, which answer with the whole service. Changes that
 * follow each other closely may come as one; then each of them counts as applied with the last.
 */
export class ConsulWatcher {
  lost = 0;
  private readonly services: readonly string[];
  private readonly onApplied: OnApplied;
  private readonly calls: HttpCalls;
  private readonly ended = new AbortController();
  /** Services that were answered since their query failed last. */
  private readonly answered = new Set<string>();
  /** Changes that were not seen yet, by service and instance, oldest first. */
  private readonly expected = new Map<string, number[]>();
  private readonly known = new Map<string, readonly object[]>();

  constructor(url: string, services: readonly string[], onApplied: OnApplied) {
    this.services = services;
    this.onApplied = onApplied;
    this.calls = new HttpCalls(url, Number.POSITIVE_INFINITY);
  }

  get isSynchronized(): boolean {
    return this.answered.size === this.services.length;
  }

  /** Resolves when all services were answered. */
  async start(): Promise<void> {
    await Promise.all(
      this.services.map(service => new Promise<void>(resolve => void this.watch(service, resolve))),
    );
  }

  /** There will be a change; only those of services that are watched here are minded. */
  expect(service: string, id: string, change: number): void {
    if (!this.services.includes(service)) return;
    const key = `${service}/${id}`;
    const changes = this.expected.get(key);
    if (changes === undefined) this.expected.set(key, [change]);
    else changes.push(change);
  }

  stop(): void {
    this.ended.abort();
    this.calls.close();
  }

  private async watch(service: string, onAnswered: () => void): Promise<void> {
    const { signal } = this.ended;
    let index = 0;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const query = index === 0 ? '' : `?index=${index}&wait=60s`;
        const { headers, text } = await this.calls.demand('GET', `/v1/health/service/${service}${query}`, {
          signal,
        });
        const next = Number(headers['x-consul-index']);
        // One that goes back, as after a restart, begins anew.
        index = next >= index ? next : 0;
        failures = 0;
        this.answered.add(service);
        onAnswered();
        this.take(service, JSON.parse(text) as Entry[]);
      } catch {
        // Asked with an index, it would answer no sooner than at the next change.
        index = 0;
        if (this.answered.delete(service)) this.lost++;
        await sleep(reconnectDelay(failures++), undefined, { signal }).catch(() => {});
      }
    }
  }

  private take(service: string, entries: readonly Entry[]): void {
    const endpoints = entries.filter(({ Checks }) => Checks.every(({ Status }) => Status === 'passing'));
    this.known.set(
      service,
      endpoints.map(({ Service: { ID, Address, Port, Weights } }) => ({ ID, Address, Port, Weights })),
    );
    for (const { Service } of entries) {
      const seen = Number(Service.Meta?.change ?? 0);
      const changes = this.expected.get(`${service}/${Service.ID}`);
      while (changes !== undefined && changes.length > 0 && changes[0] <= seen) {
        this.onApplied(service, changes[0]);
        changes.shift();
      }
    }
  }
}
