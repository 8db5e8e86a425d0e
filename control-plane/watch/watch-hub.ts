import type { Acknowledgement, ConnectedSidecar } from '../contract/answers.ts';
import type { Revision } from '../contract/resources.ts';
import { type SidecarMessage, WATCH_HEARTBEAT_MS, WATCH_RETRY_MS } from '../contract/watch-messages.ts';
import type { Moment } from '../registry/moment.ts';
import type { Registry } from '../registry/registry.ts';
import type { RegistryChange, RegistryListener } from '../registry/registry-change.ts';
import { ChangeRing } from './change-ring.ts';
import type { LineSink } from './line-sink.ts';
import { MissingCallers } from './missing-callers.ts';
import { ServiceStates } from './service-states.ts';
import { Subscriptions } from './subscriptions.ts';
import { lineOf, WatchStream } from './watch-stream.ts';

const SILENT_HEARTBEATS = 3;
/** What is kept of the reason for which a sidecar refuses something, in characters. */
const MAX_REASON = 512;

const ENDED_MEANWHILE = 'Its registration ended while there was no stream.';

/** How long after a start of the control plane, or a stall, those who were connected before may take to be back. */
const RETURN_MS = WATCH_RETRY_MS + 1000;

/** Bytes that may wait for the readers of all streams together. */
const MAX_WAITING_OF_ALL = 128 * 1024 * 1024;

export interface WatchHubOptions {
  /** Streams that may be open at the same time; any number by default. */
  readonly maxStreams?: number;
  /** Bytes that may wait for the readers of all streams together, before further ones are refused and the slowest end. */
  readonly maxWaiting?: number;
}

/** From the registry's changes to the streams of those whom they concern. What is told to many is written out once. */
export class WatchHub implements RegistryListener {
  private readonly registry: Registry;
  private readonly clock: () => Moment;
  private readonly maxStreams: number;
  private readonly maxWaiting: number;
  private readonly ring: ChangeRing;
  private readonly streams = new Set<WatchStream>();
  private readonly subscriptions = new Subscriptions<WatchStream>();
  /** The streams of sidecars by the instance beside them. */
  private readonly owners = new Subscriptions<WatchStream>();
  private readonly missing = new MissingCallers();
  private readonly states: ServiceStates;
  private readonly waiting = new Set<() => void>();
  private readonly unsubscribe: () => void;
  /** Monotonic ms until which sidecars may be on their way back that used what they had been told before. */
  private returnUntil: number;
  private readonly startedAt: number;
  private isStopping = false;

  constructor(registry: Registry, clock: () => Moment, options: WatchHubOptions = {}) {
    const { maxStreams = Number.POSITIVE_INFINITY, maxWaiting = MAX_WAITING_OF_ALL } = options;
    this.registry = registry;
    this.clock = clock;
    this.maxStreams = maxStreams;
    this.maxWaiting = maxWaiting;
    this.states = new ServiceStates(registry);
    this.ring = new ChangeRing(registry.revision);
    this.startedAt = clock().monotonic;
    const { services, instances } = registry.size;
    this.returnUntil = this.startedAt + (services + instances > 0 ? RETURN_MS : 0);
    this.unsubscribe = registry.subscribe(this);
  }

  /** Connected sidecars, in the order in which they came. */
  sidecars(): ConnectedSidecar[] {
    const connected: ConnectedSidecar[] = [];
    for (const { peer, connectedAt, applied, services, refusal } of this.streams) {
      if (peer !== null)
        connected.push({ ...peer, connectedAt, applied, services: [...services], refused: refusal });
    }
    return connected;
  }

  /** Bytes that wait for the readers of all streams together. */
  get waitingBytes(): number {
    let waiting = 0;
    for (const stream of this.streams) waiting += stream.waiting;
    return waiting;
  }

  /** Why no further stream can be opened now, in a sentence; null where one can. To be asked before one is. */
  get refusal(): string | null {
    if (this.streams.size >= this.maxStreams) {
      return `${this.streams.size} streams are open, which is as many as there may be.`;
    }
    if (this.waitingBytes <= this.maxWaiting) return null;
    return 'Too much waits to be read by those who watch already.';
  }

  /** Opens the stream of somebody who only listens. @param since what he knows, of this epoch; null: nothing */
  listen(services: readonly string[], since: Revision | null, sink: LineSink): WatchStream {
    const stream = this.open(new WatchStream(null, sink, this.isoNow(), this.clock().monotonic));
    this.greet(stream);
    this.watch(stream, services, since);
    return stream;
  }

  /** Opens a sidecar's stream, with what it said first. */
  connect(hello: SidecarMessage & { type: 'hello' }, sink: LineSink): WatchStream {
    const { sidecar, service, instance, version, known, services } = hello;
    const now = this.clock();
    const peer = { sidecar, service, instance, version };
    const stream = this.open(new WatchStream(peer, sink, this.isoNow(), now.monotonic));
    const isSameEpoch =
      known !== null && known.epoch === this.registry.epoch && !this.isAhead(known.revision);
    if (isSameEpoch) stream.applied = known.revision;
    // Where nothing was kept, those who come back are the first to tell that there was a control plane before.
    else if (known !== null) this.returnUntil = this.startedAt + RETURN_MS;
    this.missing.returned(sidecar);
    this.registry.streamOpened(sidecar, now);
    this.greet(stream);
    if (service !== null && instance !== null) {
      this.owners.add(instanceKey(service, instance), stream);
      const hasEnded = isSameEpoch && this.registry.instance(service, instance) === null;
      if (hasEnded) this.tell(stream, lineOf({ type: 'unregistered', reason: ENDED_MEANWHILE }));
    }
    this.watch(stream, services, isSameEpoch ? known.revision : null);
    return stream;
  }

  /** What a sidecar says after its hello. */
  receive(stream: WatchStream, message: SidecarMessage): void {
    const now = this.clock();
    stream.lastHeard = now.monotonic;
    switch (message.type) {
      case 'watch':
        return this.watch(stream, message.services, null);
      case 'applied':
        stream.applied = Math.max(stream.applied, message.revision);
        if (stream.refusal !== null && stream.refusal.revision < message.revision) stream.refusal = null;
        for (const check of [...this.waiting]) check();
        return;
      case 'refused':
        stream.refusal = {
          revision: message.revision,
          service: message.service,
          reason: message.reason.slice(0, MAX_REASON),
        };
        return;
      case 'heartbeat':
        if (stream.peer !== null) this.registry.renewAll(stream.peer.sidecar, now);
        return;
      case 'hello':
        return this.close(stream, 'a second hello');
    }
  }

  /** Ends a stream. @param reason told to the other side; null where it is gone already, or does not read */
  close(stream: WatchStream, reason: string | null): void {
    if (!this.streams.delete(stream)) return;
    for (const service of stream.services) this.subscriptions.remove(service, stream);
    const { service = null, instance = null } = stream.peer ?? {};
    if (service !== null && instance !== null) this.owners.remove(instanceKey(service, instance), stream);
    stream.end(reason);
    // Before anybody is told that it is waited for no more: it is here that a stall is noticed.
    if (stream.peer !== null && !this.isStopping)
      this.registry.streamBroken(stream.peer.sidecar, this.clock());
    for (const check of [...this.waiting]) check();
  }

  onChange(change: RegistryChange): void {
    this.states.changed(change.service);
    this.tellCallers(change);
    if (change.kind === 'instance' && change.ended !== null) this.tellOwners(change, change.ended);
  }

  /**
   * Waits until every connected sidecar that calls the service has applied the revision, at most `waitMs`. A sidecar that goes
   * meanwhile is waited for no more: it picks nothing. One that was cut off is, until it is back or was away for long. After a
   * restart or a stall, those that are not connected yet are waited for too. A stop ends the wait.
   */
  awaitApplied(service: string, revision: Revision, waitMs: number): Promise<Acknowledgement> {
    const answer = (): Acknowledgement => {
      // Of what callers were not told they can't say that they have applied it.
      const late = this.subscriptions
        .of(service)
        .filter(({ peer, applied, told }) => peer !== null && applied < Math.min(revision, told));
      const missing = this.missing.of(service, this.clock().monotonic);
      late.push(...missing.filter(({ applied }) => applied < revision));
      const acknowledged = late.length === 0 && this.returningMs <= 0 && !this.isStopping;
      return { acknowledged, waitingFor: late.map(nameOf) };
    };
    return new Promise(resolve => {
      const finish = () => {
        clearTimeout(timer);
        clearTimeout(returnTimer);
        this.waiting.delete(check);
        resolve(answer());
      };
      const check = () => {
        clearTimeout(returnTimer);
        if (answer().acknowledged || this.isStopping) return finish();
        const { returningMs } = this;
        if (returningMs > 0) returnTimer = setTimeout(check, Math.ceil(returningMs));
      };
      const timer = setTimeout(finish, waitMs);
      let returnTimer: NodeJS.Timeout | undefined;
      this.waiting.add(check);
      check();
    });
  }

  /** For how long sidecars may still be on their way back, in ms; not above 0 where none are. */
  private get returningMs(): number {
    return this.returnUntil - this.clock().monotonic;
  }

  /** Says that the control plane is alive, and cuts off who is not. To be called every heartbeat. */
  beat(): void {
    const line = lineOf({ type: 'heartbeat', revision: this.registry.revision });
    const { monotonic } = this.clock();
    for (const stream of [...this.streams]) {
      const isSilent =
        stream.peer !== null && monotonic - stream.lastHeard > SILENT_HEARTBEATS * WATCH_HEARTBEAT_MS;
      if (isSilent) this.cutOff(stream, `nothing was heard for ${SILENT_HEARTBEATS} heartbeats`);
      else if (stream.countStuck() >= SILENT_HEARTBEATS) this.cutOff(stream, null);
      else this.tell(stream, line);
    }
    this.cutSlowest();
  }

  /** Gives every stream a full term again, and those who gave theirs up meanwhile the time to be back. */
  onStall({ monotonic }: Moment): void {
    this.returnUntil = monotonic + RETURN_MS;
    for (const stream of this.streams) stream.forgive(monotonic);
  }

  /** Ends all streams. Their instances stay as they are: it is the control plane that goes. */
  stop(): void {
    this.isStopping = true;
    this.unsubscribe();
    for (const check of [...this.waiting]) check();
    for (const stream of [...this.streams]) this.close(stream, 'the control plane stops');
  }

  /** Ends those for whom most waits, until all of it is within bounds. They get the whole of it when they come again. */
  private cutSlowest(): void {
    let waiting = this.waitingBytes;
    if (waiting <= this.maxWaiting) return;
    for (const stream of [...this.streams].sort((a, b) => b.waiting - a.waiting)) {
      waiting -= stream.waiting;
      this.cutOff(stream, null);
      if (waiting <= this.maxWaiting) return;
    }
  }

  /** Ends the stream of somebody who may live, and go by what he was told. */
  private cutOff(stream: WatchStream, reason: string | null): void {
    if (!this.hasAnother(stream)) this.missing.add(stream, this.clock().monotonic);
    this.close(stream, reason);
  }

  /** Whether the same sidecar has a further stream. */
  private hasAnother(stream: WatchStream): boolean {
    for (const other of this.streams) {
      if (other !== stream && other.peer?.sidecar === stream.peer?.sidecar) return true;
    }
    return false;
  }

  private open(stream: WatchStream): WatchStream {
    this.streams.add(stream);
    return stream;
  }

  private greet(stream: WatchStream): void {
    const { epoch, revision } = this.registry;
    this.tell(stream, lineOf({ type: 'hello', epoch, revision, heartbeat: WATCH_HEARTBEAT_MS }));
  }

  /** Sets what the stream watches, and tells it what it does not know. @param since what it knows of these services */
  private watch(stream: WatchStream, services: readonly string[], since: Revision | null): void {
    const next = new Set(services);
    const added = [...next].filter(service => !stream.services.has(service));
    const isFirst = stream.services.size === 0;
    for (const service of stream.services) if (!next.has(service)) this.subscriptions.remove(service, stream);
    stream.services = next;
    for (const service of added) this.subscriptions.add(service, stream);
    const isResumable = isFirst && since !== null && !this.isAhead(since);
    const missed = isResumable ? this.ring.after(since, next) : null;
    if (missed !== null) {
      for (const { line, revision } of missed) if (!this.tell(stream, line, revision)) return;
    } else if (added.length > 0) {
      this.cutSlowest();
      const { revision } = this.registry;
      this.tell(stream, this.states.syncLine(revision, added), revision);
    }
  }

  /** Whether nobody can know of a revision, since there was none yet. */
  private isAhead(revision: Revision): boolean {
    return revision > this.registry.revision;
  }

  private tell(stream: WatchStream, line: string, revision: Revision = 0): boolean {
    if (stream.isClosed) return false;
    if (stream.tell(line, revision)) return true;
    this.cutOff(stream, null);
    return false;
  }

  private tellCallers(change: RegistryChange): void {
    if (change.kind === 'instance' && !change.isVisible && change.existed === change.exists) return;
    const { revision, service } = change;
    const line = lineOfChange(change);
    this.ring.push({ revision, service, line });
    for (const stream of this.subscriptions.of(service)) this.tell(stream, line, revision);
  }

  private tellOwners({ service, instance }: { service: string; instance: string }, reason: string): void {
    const line = lineOf({ type: 'unregistered', reason });
    for (const stream of this.owners.of(instanceKey(service, instance))) this.tell(stream, line);
  }

  private isoNow(): string {
    return new Date(this.clock().wall).toISOString();
  }
}

function instanceKey(service: string, instance: string): string {
  return `${service}/${instance}`;
}

function lineOfChange(change: RegistryChange): string {
  const { revision, service, exists } = change;
  if (change.kind === 'service') {
    return lineOf({ type: 'change', revision, service, exists, policy: change.policy, set: [], remove: [] });
  }
  const { endpoint, before } = change;
  const set = endpoint === null ? [] : [endpoint];
  // One that stays under its id is set anew, not removed.
  const remove = endpoint === null && before !== null ? [before.id] : [];
  return lineOf({ type: 'change', revision, service, exists, policy: null, set, remove });
}

function nameOf({ peer }: WatchStream): string {
  if (peer === null) return '';
  return peer.service === null ? peer.sidecar : `${peer.service}/${peer.instance ?? peer.sidecar}`;
}
