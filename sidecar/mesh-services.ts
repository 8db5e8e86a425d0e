import { DEFAULT_POLICY } from '../control-plane/contract/default-policy.ts';
import type { Policy } from '../control-plane/contract/policy.ts';
import type { PolicyDocument } from '../control-plane/contract/resources.ts';
import { isServiceName } from '../control-plane/contract/service-name.ts';
import type { Log } from '../process/log.ts';
import type { UpstreamConfig } from './config/sidecar-config.ts';
import { readPolicy } from './discovery/policy-reader.ts';
import type { KnownService, ServiceDirectory } from './discovery/service-directory.ts';
import { Timer, type TimerOwner, type TimerWheel } from './io/timer-wheel.ts';
import type { Asker, Question } from './routing/asked-service.ts';

interface MeshServicesOptions {
  readonly directory: ServiceDirectory;
  readonly wheel: TimerWheel;
  readonly log: Log;
  /** Whether the control plane is there to answer. */
  readonly isConnected: () => boolean;
  /** Asks for these services from here on, and for no others. */
  readonly watch: (names: readonly string[]) => void;
  /** Tells the control plane that something can't be applied. */
  readonly refuse: (service: string, reason: string) => void;
  /** The upstream of a service is to be made or changed. */
  readonly onUpstream: (config: UpstreamConfig) => void;
  /** The service is no more. */
  readonly onGone: (name: string) => void;
  /** Called once after a number of these two. */
  readonly onChanged: () => void;
}

/** How long a request waits for the control plane to say whether its host, which looks like one of the world outside, is a service, in ms. */
const ASK_MS = 2000;
/** The same for a host that looks like a service: as long as for a service that has no endpoint. */
const ASK_NAMED_MS = DEFAULT_POLICY.limits.hold;
/** Requests that wait for one answer. */
const MAX_ASKERS = 128;
/** Hosts that turned out to be no service and are remembered; the one that was asked about longest ago makes room. */
const MAX_STRANGERS = 256;

/**
 * The services of the mesh that this sidecar uses: those that its file declares (by `egress.ports`), and those that it learns of when
 * the first request names them. Decides what upstreams there are for them, and by which policy.
 */
export class MeshServices {
  private readonly options: MeshServicesOptions;
  private declared: ReadonlySet<string> = new Set();
  /** Services that the file itself has: none of our business. */
  private ofFile: ReadonlySet<string> = new Set();
  private readonly policies = new Map<string, AppliedPolicy>();
  private readonly questions = new Map<string, OpenQuestion>();
  /** Names that were asked about and are no service, the one that was asked about last at the end. */
  private readonly strangers = new Set<string>();
  private readonly learnt = new Set<string>();
  private answered: OpenQuestion[] = [];
  private isFlushing = false;
  private hasOtherUpstreams = false;

  constructor(options: MeshServicesOptions) {
    this.options = options;
    options.directory.onNews = service => this.onNews(service);
  }

  /** A configuration is in force: these names are declared, those are the file's own. */
  declare(declared: Iterable<string>, ofFile: Iterable<string>): void {
    const before = this.declared;
    this.ofFile = new Set(ofFile);
    this.declared = new Set([...declared].filter(name => !this.ofFile.has(name)));
    for (const name of before) {
      if (this.questions.has(name)) this.touch(name);
      else if (!this.isWatched(name)) this.forget(name);
    }
    this.tellNames();
  }

  /** The upstreams of all declared and learnt services. */
  configs(): Map<string, UpstreamConfig> {
    const names = [...new Set([...this.declared, ...this.learnt])].filter(name => !this.ofFile.has(name));
    return new Map(names.map(name => [name, this.configOf(name)]));
  }

  /**
   * Asks whether a host is a service.
   * @param isNamedSo whether it looks like one, so that it is worth waiting for a control plane that is away
   * @returns null where there is nothing to wait for
   */
  ask(name: string, isNamedSo: boolean): Question | null {
    if (this.options.directory.get(name) !== undefined) {
      this.touch(name);
      return null;
    }
    if (!isServiceName(name)) return null;
    const open = this.questions.get(name) ?? this.open(name, isNamedSo);
    if (open === null) return null;
    const isHopeful = !open.isGivenUp && (isNamedSo || this.options.isConnected());
    return isHopeful ? open : null;
  }

  /** There is a new stream: what could not be answered is asked again. */
  onConnected(): void {
    for (const question of this.questions.values()) question.onConnected();
  }

  stop(): void {
    for (const question of this.questions.values()) question.answer();
    this.questions.clear();
  }

  /** @returns null where too much is asked already */
  private open(name: string, isNamedSo: boolean): OpenQuestion | null {
    if (this.questions.size >= MAX_STRANGERS / 2) return null;
    const question = new OpenQuestion(name, isNamedSo ? ASK_NAMED_MS : ASK_MS, this.options.wheel);
    this.questions.set(name, question);
    this.touch(name);
    this.tellNames();
    return question;
  }

  private onNews(service: KnownService): void {
    const { name, exists } = service;
    const wasUsed = this.learnt.has(name) || this.declared.has(name);
    const isUsed = exists || this.declared.has(name);
    const question = this.questions.get(name);
    if (question !== undefined) {
      this.questions.delete(name);
      this.answered.push(question);
    }
    if (exists) {
      this.strangers.delete(name);
      this.learnt.add(name);
    } else if (this.learnt.delete(name)) {
      this.touch(name);
    }
    if (!this.ofFile.has(name) && (isUsed || wasUsed)) {
      this.hasOtherUpstreams = true;
      if (isUsed) this.use(service);
      else this.options.onGone(name);
    }
    // It came when the name was given up already.
    if (!this.isWatched(name)) this.forget(name);
    this.flushSoon();
  }

  private use(service: KnownService): void {
    this.applyPolicy(service);
    this.options.onUpstream(this.configOf(service.name));
  }

  private isWatched(name: string): boolean {
    return this.declared.has(name) || this.learnt.has(name) || this.strangers.has(name);
  }

  /** What is not watched is not known either, or it would never be of the current epoch again. */
  private forget(name: string): void {
    this.options.directory.forget(name);
    this.policies.delete(name);
  }

  private applyPolicy({ name, policy: said, isFromSnapshot }: KnownService): void {
    // Nobody can tell whether its time is over.
    const policy = isFromSnapshot ? withoutFault(said) : said;
    const before = this.policies.get(name);
    const document = JSON.stringify(policy);
    if (before?.document === document) return;
    const read = readPolicy(name, policy);
    if (read.ok) {
      this.policies.set(name, { document, policy: read.policy });
      return;
    }
    this.options.refuse(name, read.reason);
    const stays = before === undefined ? 'the defaults are in force' : 'the one before stays in force';
    this.options.log.error({ upstream: name }, `the policy of ${name} is refused, ${stays}: ${read.reason}`);
  }

  private configOf(name: string): UpstreamConfig {
    const policy = this.policies.get(name)?.policy ?? DEFAULT_POLICY;
    return { name, endpoints: { kind: 'control-plane' }, policy };
  }

  /** One call for all that came together, before anything else is read from the network. */
  private flushSoon(): void {
    if (this.isFlushing) return;
    this.isFlushing = true;
    queueMicrotask(() => {
      this.isFlushing = false;
      this.tellNames();
      if (this.hasOtherUpstreams) this.options.onChanged();
      this.hasOtherUpstreams = false;
      const { answered } = this;
      this.answered = [];
      for (const question of answered) question.answer();
    });
  }

  /** The name was asked about just now. */
  private touch(name: string): void {
    if (this.learnt.has(name) || this.declared.has(name)) return;
    this.strangers.delete(name);
    this.strangers.add(name);
    if (this.strangers.size <= MAX_STRANGERS) return;
    const oldest = [...this.strangers].find(stranger => !this.questions.has(stranger));
    if (oldest === undefined) return;
    this.strangers.delete(oldest);
    this.forget(oldest);
    this.tellNames();
  }

  private tellNames(): void {
    this.options.watch([...new Set([...this.declared, ...this.learnt, ...this.strangers])]);
  }
}

function withoutFault({ fault: _, ...policy }: PolicyDocument): PolicyDocument {
  return policy;
}

interface AppliedPolicy {
  /** As JSON, to see whether another one is another. */
  readonly document: string;
  readonly policy: Policy;
}

class OpenQuestion implements Question, TimerOwner {
  readonly name: string;
  /** It was waited for in vain. */
  isGivenUp = false;
  private readonly wheel: TimerWheel;
  private readonly waitMs: number;
  private readonly timer = new Timer(this);
  private readonly askers = new Set<Asker>();

  constructor(name: string, waitMs: number, wheel: TimerWheel) {
    this.name = name;
    this.waitMs = waitMs;
    this.wheel = wheel;
  }

  enter(asker: Asker): boolean {
    if (this.askers.size >= MAX_ASKERS) return false;
    this.askers.add(asker);
    if (!this.timer.isRunning) this.wheel.start(this.timer, this.waitMs, this.wheel.now());
    return true;
  }

  /** It is asked once more, with all the time for an answer. */
  onConnected(): void {
    this.isGivenUp = false;
    if (this.timer.isRunning) this.wheel.start(this.timer, this.waitMs, this.wheel.now());
  }

  leave(asker: Asker): void {
    this.askers.delete(asker);
  }

  onTimer(): void {
    this.isGivenUp = true;
    this.answer();
  }

  answer(): void {
    this.wheel.stop(this.timer);
    const askers = [...this.askers];
    this.askers.clear();
    for (const asker of askers) asker.onAnswer();
  }
}
