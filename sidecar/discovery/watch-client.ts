import type { Revision } from '../../control-plane/contract/resources.ts';
import { WATCH_RETRY_MS, type WatchMessage } from '../../control-plane/contract/watch-messages.ts';
import type { Log } from '../../process/log.ts';
import type { ControlPlaneTarget } from './control-plane-api.ts';
import type { Schedule } from './schedule.ts';
import type { ServiceDirectory } from './service-directory.ts';
import { WatchConnection, type WatchConnectionOwner } from './watch-connection.ts';

interface WatchClientOptions {
  readonly target: ControlPlaneTarget;
  /** The service and the instance beside this sidecar; null where there is none. */
  readonly service: string | null;
  readonly instance: string | null;
  readonly version: string;
  readonly directory: ServiceDirectory;
  readonly schedule: Schedule;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly log: Log;
}

/** A request that was sent so long ago has been read, unless its server stands still. Well below what a drain waits for. */
const ARRIVAL_MS = 500;
/** How often it is looked whether all is answered. */
const LOOK_MS = 5;
const FIRST_BACKOFF_MS = 200;
/** A stream that lasted so long was a good one: the next one is tried soon. */
const GOOD_STREAM_MS = 2000;

/**
 * Keeps a stream to the control plane and the directory up to date with it. A stream that breaks is opened again after a random time
 * up to a bound that doubles (full jitter), and goes on where the last one ended, if the control plane still can; else it says
 * everything anew. Meanwhile, whatever is known stays in use.
 */
export class WatchClient implements WatchConnectionOwner {
  /** Told when the control plane answers on a new stream. */
  onConnected: () => void = () => {};
  /** Told when the registration of the own instance has ended, with the reason, a sentence. */
  onUnregistered: (reason: string) => void = () => {};
  /** Whether something is under way at endpoints that are gone. */
  isLeaving: () => boolean = () => false;
  /** Told when that is not waited for any longer. */
  forgetLeaving: () => void = () => {};
  /** Streams that broke. */
  lost = 0;
  private readonly options: WatchClientOptions;
  private names: readonly string[] = [];
  private toldNames = '';
  private isTelling = false;
  private connection: WatchConnection | null = null;
  private isGreeted = false;
  private greetedAt = 0;
  private failures = 0;
  private lastProblem: string | null = 'is being connected to';
  private cancelRetry: (() => void) | null = null;
  private isStopped = false;
  private heardBefore = 0;

  constructor(options: WatchClientOptions) {
    this.options = options;
  }

  /** Whether the control plane is there, as far as can be told. */
  get isConnected(): boolean {
    return this.isGreeted;
  }

  /** Why it is not, completing "the control plane …"; null where it is. */
  get problem(): string | null {
    return this.isGreeted ? null : this.lastProblem;
  }

  /** Monotonic ms at which the control plane was heard last; 0 for never. */
  get lastHeard(): number {
    return this.isGreeted ? (this.connection?.lastHeard ?? 0) : this.heardBefore;
  }

  /** By which the control plane is reached from here; null while it is not. */
  get localAddress(): string | null {
    return this.isGreeted ? (this.connection?.localAddress ?? null) : null;
  }

  start(): void {
    this.connect();
  }

  /** Ends the stream. May be called twice. */
  stop(): void {
    this.isStopped = true;
    this.cancelRetry?.();
    this.connection?.close('is left: the sidecar stops');
  }

  /** The services that are wanted from here on, all of them. */
  watch(names: readonly string[]): void {
    this.names = [...names].sort();
    if (this.isTelling) return;
    this.isTelling = true;
    queueMicrotask(() => {
      this.isTelling = false;
      if (this.isGreeted) this.tellNames();
    });
  }

  /** What a revision says of a service can't be applied. */
  refuse(revision: Revision, service: string, reason: string): void {
    this.connection?.send({ type: 'refused', revision, service, reason });
  }

  onOpen(): void {
    const { directory, target, service, instance, version } = this.options;
    const { epoch, revision } = directory;
    // Only what is known can be resumed; the rest is asked for when the stream has begun.
    const known = this.names.filter(name => directory.get(name) !== undefined);
    const isResumed = epoch !== null && directory.isResumable;
    const services = isResumed ? known : this.names;
    this.connection?.send({
      type: 'hello',
      sidecar: target.sidecar,
      service,
      instance,
      version,
      known: isResumed ? { epoch, revision } : null,
      services,
    });
    this.toldNames = services.join(' ');
  }

  onMessages(messages: readonly WatchMessage[]): void {
    const { directory } = this.options;
    let isChanged = false;
    for (const message of messages) {
      switch (message.type) {
        case 'hello':
          directory.begin(message.epoch);
          this.greet();
          break;
        case 'sync':
          directory.sync(message.revision, message.services);
          isChanged = true;
          break;
        case 'change':
          directory.change(message);
          isChanged = true;
          break;
        case 'heartbeat':
          break;
        case 'unregistered':
          this.onUnregistered(message.reason);
          break;
        case 'goodbye':
          this.connection?.close(`said goodbye: ${message.reason}`);
          return;
      }
    }
    if (isChanged) this.acknowledge(directory.revision, this.connection, performance.now());
  }

  /**
   * Nothing new goes to an endpoint that has left. But what was sent to it just before may not have been read yet, and servers that are
   * told to stop reset such connections: so it is answered first, or old enough to have been read.
   * @param since when the revision was applied
   */
  private acknowledge(revision: Revision, connection: WatchConnection | null, since: number): void {
    if (this.isLeaving()) {
      if (performance.now() - since < ARRIVAL_MS) {
        this.options.schedule(() => this.acknowledge(revision, connection, since), LOOK_MS);
        return;
      }
      this.forgetLeaving();
    }
    connection?.send({ type: 'applied', revision });
  }

  onClosed(reason: string): void {
    const { log, schedule, random } = this.options;
    const wasGreeted = this.isGreeted;
    if (wasGreeted) {
      this.heardBefore = this.connection?.lastHeard ?? 0;
      this.lost++;
      if (performance.now() - this.greetedAt >= GOOD_STREAM_MS) this.failures = 0;
    }
    this.connection = null;
    this.isGreeted = false;
    if (this.isStopped) return;
    if (wasGreeted || reason !== this.lastProblem) {
      log.warn(
        { controlPlane: this.options.target.url },
        `the control plane ${reason}; what is known of the mesh stays in use`,
      );
    }
    this.lastProblem = reason;
    const bound = Math.min(WATCH_RETRY_MS, FIRST_BACKOFF_MS * 2 ** this.failures++);
    this.cancelRetry = schedule(() => this.connect(), bound * random());
  }

  private connect(): void {
    if (this.isStopped) return;
    this.connection = new WatchConnection(this.options.target, this);
  }

  private greet(): void {
    if (this.isGreeted) return;
    this.isGreeted = true;
    this.greetedAt = performance.now();
    this.options.log.info({ controlPlane: this.options.target.url }, 'connected to the control plane');
    this.tellNames();
    this.onConnected();
  }

  private tellNames(): void {
    const joined = this.names.join(' ');
    if (joined === this.toldNames) return;
    this.toldNames = joined;
    this.connection?.send({ type: 'watch', services: this.names });
  }
}
