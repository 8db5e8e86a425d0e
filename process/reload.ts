import { setTimeout as sleep } from 'node:timers/promises';
import { type Problem, problem, unreadable } from '../control-plane/contract/problem.ts';
import type { LoadedFile } from '../control-plane/contract/source-file.ts';
import { wholeOf } from '../control-plane/contract/source-tree.ts';
import { readRegularFile } from './config-file.ts';

/** Told when the file has changed. */
interface ReloadListener<T> {
  /** The new configuration; a rejection means that it could not be applied. The next one waits until this is done. */
  onConfig(config: T, warnings: readonly Problem[]): Promise<void>;
  /** It was asked to load the file again, or the file is back after it was gone, and it says what is in force already. */
  onUnchanged(): void;
  /** The file is wrong: what is in force stays. */
  onRefused(problems: readonly Problem[]): void;
}

interface ReloadOptions<T> {
  readonly path: string;
  /** What the configuration in force was made of. */
  readonly current: Uint8Array;
  readonly load: (bytes: Uint8Array) => Promise<LoadedFile<T>>;
  readonly listener: ReloadListener<T>;
  /** How often the file is looked at, in milliseconds. */
  readonly pollMs?: number;
  /** How long the file has to stay the same before it counts as written, in milliseconds. */
  readonly settleMs?: number;
}

/**
 * Picks up a file that changes while the process runs: the sidecar's, or the control plane's mesh file. It reads the content again and
 * again instead of watching for events: those get lost over bind mounts, and where editors, `mv` and config maps put another file in the
 * place. What counts is that the content differs from what was looked at last.
 */
export class ConfigReloader<T> {
  private readonly options: Required<ReloadOptions<T>>;
  private readonly ending = new AbortController();
  private seen: Uint8Array;
  private isInForce = true;
  private isGone = false;
  /** One look at a time. */
  private looking: Promise<void> = Promise.resolve();
  private applying: Promise<void> = Promise.resolve();

  constructor(options: ReloadOptions<T>) {
    this.options = { pollMs: 1000, settleMs: 100, ...options };
    this.seen = options.current;
  }

  start(): void {
    void this.poll();
  }

  /** Looks at the file now (SIGHUP), and tries again what was refused; a file that is in force already is left alone. */
  reload(): Promise<void> {
    return this.look(true);
  }

  /** Ends; waits for a configuration that is being applied, not for a disk that does not answer. May be called twice. */
  async stop(): Promise<void> {
    this.ending.abort();
    await this.applying;
  }

  private async poll(): Promise<void> {
    while (await this.pause(this.options.pollMs)) await this.look(false);
  }

  private look(isForced: boolean): Promise<void> {
    this.looking = this.looking.then(() => this.lookOnce(isForced));
    return this.looking;
  }

  private async lookOnce(isForced: boolean): Promise<void> {
    const { path, listener } = this.options;
    let content = await readRegularFile(path);
    if (!isForced && !this.isGone && content.ok && equal(content.bytes, this.seen)) return;
    // Whoever replaces a file may remove it for a moment, whoever writes it may not be done.
    for (;;) {
      if (!(await this.pause(this.options.settleMs))) return;
      const again = await readRegularFile(path);
      const isSettled = again.ok ? content.ok && equal(again.bytes, content.bytes) : !content.ok;
      content = again;
      if (isSettled) break;
    }
    if (this.ending.signal.aborted) return;
    if (!content.ok) {
      if (!this.isGone || isForced) listener.onRefused([unreadable(this.options.path, content.reason)]);
      this.isGone = true;
      return;
    }
    const isBack = this.isGone;
    this.isGone = false;
    if (equal(content.bytes, this.seen)) {
      if (!isForced && !isBack) return;
      if (this.isInForce) return listener.onUnchanged();
    }
    this.seen = content.bytes;
    this.applying = this.load(content.bytes);
    await this.applying;
  }

  private async load(bytes: Uint8Array): Promise<void> {
    const { path, load, listener } = this.options;
    this.isInForce = false;
    try {
      const { value, problems } = await load(bytes);
      if (value === null) return listener.onRefused(problems);
      await listener.onConfig(value, problems);
      this.isInForce = true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      listener.onRefused([problem(wholeOf(path), '', `can not be applied: ${reason}`)]);
    }
  }

  /** @returns false when it is over */
  private async pause(ms: number): Promise<boolean> {
    const { signal } = this.ending;
    await sleep(ms, undefined, { signal }).catch(() => undefined);
    return !signal.aborted;
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
