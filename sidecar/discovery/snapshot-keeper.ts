import type { Log } from '../../process/log.ts';
import type { Schedule } from './schedule.ts';
import type { ServiceDirectory } from './service-directory.ts';
import type { SnapshotFile } from './snapshot-file.ts';

interface SnapshotKeeperOptions {
  readonly file: Pick<SnapshotFile, 'path' | 'read' | 'write'>;
  readonly directory: ServiceDirectory;
  readonly schedule: Schedule;
  /** ms since 1970. */
  readonly wallClock: () => number;
  /** ms since 1970 at which what the directory knows was known to be true; null where the control plane has not spoken yet. */
  readonly asOf: () => number | null;
  readonly log: Log;
}

/** How long changes are collected before they are written. */
const SETTLE_MS = 2000;
/** What has not changed is written again, so that its age stays true. */
const REFRESH_MS = 10 * 60 * 1000;

/** Writes the directory to disk behind its changes, and reads it at the start. */
export class SnapshotKeeper {
  /** ms since 1970 as of which what was read is; null where nothing was. */
  restoredAt: number | null = null;
  private readonly options: SnapshotKeeperOptions;
  private cancel: (() => void) | null = null;
  /** Whether everything is on disk, and what is under way. */
  private state: 'clean' | 'dirty' | 'writing' | 'writing-dirty' | 'stopped' = 'clean';
  private lastProblem: string | null = null;

  constructor(options: SnapshotKeeperOptions) {
    this.options = options;
  }

  /** Takes up what is on disk; says why where it is refused. */
  restore(): void {
    const { file, directory, wallClock, log } = this.options;
    const read = file.read(wallClock());
    if (read === null) return;
    if (!read.ok) {
      log.warn({ snapshot: file.path }, `the snapshot ${file.path} is not used: ${read.reason}`);
      return;
    }
    const { at, state } = read.snapshot;
    this.restoredAt = at;
    directory.restore(state);
    const age = Math.max(0, Math.round((wallClock() - at) / 1000));
    const services = `${state.services.length} services`;
    log.info({ snapshot: file.path }, `starts from the snapshot of ${age} s ago: ${services}`);
  }

  /** The directory has changed. */
  changed(): void {
    if (this.state === 'writing') this.state = 'writing-dirty';
    if (this.state !== 'clean') return;
    this.state = 'dirty';
    this.plan(SETTLE_MS);
  }

  /** Writes the directory as it is at the end, and nothing after that. Idempotent. */
  async stop(): Promise<void> {
    if (this.state === 'stopped') return;
    this.cancel?.();
    this.state = 'stopped';
    await this.write();
  }

  private plan(delayMs: number): void {
    this.cancel?.();
    this.cancel = this.options.schedule(() => void this.writeAndPlan(), delayMs);
  }

  private async writeAndPlan(): Promise<void> {
    this.state = 'writing';
    await this.write();
    this.onWritten();
  }

  private onWritten(): void {
    if (this.state === 'stopped') return;
    const isDirty = this.state === 'writing-dirty';
    this.state = isDirty ? 'dirty' : 'clean';
    this.plan(isDirty ? SETTLE_MS : REFRESH_MS);
  }

  /** Writes the directory as it is now. Resolves in any case. */
  private async write(): Promise<void> {
    const { file, directory, asOf, log } = this.options;
    const state = directory.state();
    const at = asOf();
    if (state === null || at === null) return;
    try {
      await file.write({ at, state });
      this.lastProblem = null;
    } catch (error) {
      const { message } = error as Error;
      if (message.replace(/\d+/g, '') === this.lastProblem) return;
      this.lastProblem = message.replace(/\d+/g, '');
      log.warn({ snapshot: file.path }, `the snapshot can not be written: ${message}`);
    }
  }
}
