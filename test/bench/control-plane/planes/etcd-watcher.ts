import { type ClientRequest, request } from 'node:http';
import { LineSplitter } from '../../../../control-plane/contract/line-splitter.ts';
import type { OnApplied } from '../tested-plane.ts';
import { reconnectDelay } from './reconnect-delay.ts';

const LINE_LIMIT = 16 * 1024 * 1024;

/** A line of the stream, as far as it matters here. Numbers of 64 bits are text. */
interface WatchAnswer {
  readonly result?: {
    readonly created?: boolean;
    readonly canceled?: boolean;
    readonly events?: readonly {
      readonly type?: 'DELETE';
      readonly kv: { readonly key: string; readonly value?: string; readonly mod_revision: string };
    }[];
  };
  readonly error?: { readonly message?: string };
}

/** A sidecar on etcd: one stream with a watch for each service, resumed behind the last revision that it saw. */
export class EtcdWatcher {
  lost = 0;
  private readonly url: string;
  private readonly services: readonly string[];
  private readonly onApplied: OnApplied;
  /** What is known, by key. */
  private readonly known = new Map<string, unknown>();
  private revision = 0;
  /** Watches that the stream has confirmed. */
  private created = 0;
  private failures = 0;
  private stream: ClientRequest | null = null;
  private retry: NodeJS.Timeout | null = null;
  private isStopped = false;
  private onSynchronized: () => void = () => {};

  constructor(url: string, services: readonly string[], onApplied: OnApplied) {
    this.url = url;
    this.services = services;
    this.onApplied = onApplied;
  }

  get isSynchronized(): boolean {
    return this.created === this.services.length;
  }

  /** Resolves when all watches are there. */
  start(): Promise<void> {
    return new Promise(resolve => {
      this.onSynchronized = resolve;
      this.open();
    });
  }

  stop(): void {
    this.isStopped = true;
    if (this.retry !== null) clearTimeout(this.retry);
    this.stream?.destroy();
  }

  private open(): void {
    const content = this.services.map(service => JSON.stringify(this.watchOf(service))).join('\n');
    const stream = request(`${this.url}/v3/watch`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) },
    });
    this.stream = stream;
    const splitter = new LineSplitter(LINE_LIMIT);
    stream.on('response', answer => {
      answer.on('data', chunk => {
        for (const line of splitter.push(chunk) ?? []) this.take(JSON.parse(line) as WatchAnswer);
      });
      answer.on('error', () => {});
    });
    stream.on('error', () => {});
    stream.on('close', () => this.closed());
    stream.end(content);
  }

  private watchOf(service: string): object {
    const start = this.revision === 0 ? {} : { start_revision: String(this.revision + 1) };
    const key = Buffer.from(`/mesh/${service}/`).toString('base64');
    // The end of a prefix is the prefix with its last byte raised by one.
    const end = Buffer.from(`/mesh/${service}0`).toString('base64');
    return { create_request: { key, range_end: end, ...start } };
  }

  private take({ result }: WatchAnswer): void {
    if (result === undefined || result.canceled === true) return void this.stream?.destroy();
    if (result.created === true && ++this.created === this.services.length) {
      this.failures = 0;
      this.onSynchronized();
    }
    for (const { type, kv } of result.events ?? []) {
      const key = Buffer.from(kv.key, 'base64').toString();
      if (type === 'DELETE') this.known.delete(key);
      else this.known.set(key, JSON.parse(Buffer.from(kv.value ?? '', 'base64').toString()));
      const revision = Number(kv.mod_revision);
      this.revision = Math.max(this.revision, revision);
      const [, , service] = key.split('/');
      this.onApplied(service, revision);
    }
  }

  private closed(): void {
    if (this.isSynchronized) this.lost++;
    this.created = 0;
    if (!this.isStopped) this.retry = setTimeout(() => this.open(), reconnectDelay(this.failures++));
  }
}
