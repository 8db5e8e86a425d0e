import { deleteInstance, drainInstance, putInstance } from '../../control-plane/contract/calls.ts';
import { formatHostPort } from '../../control-plane/contract/host-port.ts';
import type { Log } from '../../process/log.ts';
import type { AppConfig } from '../config/sidecar-config.ts';
import type { ControlPlaneApi } from '../discovery/control-plane-api.ts';
import { HealthState } from './health-state.ts';

interface RegistrationOptions {
  readonly service: string;
  /** The id of the instance: new with each process, so that whoever takes over its address is another. */
  readonly instance: string;
  readonly app: AppConfig;
  readonly api: Pick<ControlPlaneApi, 'call'>;
  /** By which the control plane is reached from here; null while there is no stream to it. */
  readonly localAddress: () => string | null;
  /**
   * Looks once at the application.
   * @param ending breaks the look off
   * @returns null where it is healthy, else why not
   */
  readonly check: (ending: AbortSignal) => Promise<string | null>;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly log: Log;
}

/** How the registration stands, for people. */
interface RegistrationView {
  readonly instance: string;
  /** `host:port` as it was registered last; null before that. */
  readonly address: string | null;
  /** What the control plane was told last; null: nothing. */
  readonly status: string | null;
  /** Whether the application is healthy. */
  readonly application: 'unknown' | 'up' | 'down';
  /** What is in the way, a sentence; null where nothing is. */
  readonly problem: string | null;
}

const CALL_MS = 2000;
/** How long callers get to apply that the instance leaves, and how much longer the answer to that may take. */
const DRAIN_MS = 2000;
const DRAIN_ANSWER_MS = 1000;
const REMOVE_MS = 1000;
/** Until the application is up for the first time, it is looked at more often. */
const FIRST_CHECKS_MS = 200;

/**
 * Registers the application beside this sidecar: once it is healthy, and again with every new stream, because the control plane may
 * have lost it. Its lease is renewed by the stream itself. Says when the application is down and when it is back; at the end it
 * drains the instance, so that callers leave it before it goes, and removes it.
 */
export class Registration {
  private readonly options: RegistrationOptions;
  private readonly health = new HealthState();
  private readonly ending = new AbortController();
  /** Ends the pause that there is, or lets the next one out. */
  private wake: (() => void) | null = null;
  private isWoken = false;
  /** What the control plane knows: status and address. */
  private told: { readonly status: 'up' | 'down'; readonly address: string; readonly port: number } | null =
    null;
  /** What was said last in the log of an application that is not healthy. */
  private toldProblem: string | null = null;
  /** How often {@link told} became void: the answer to a call that began before says nothing any more. */
  private turns = 0;
  private isTelling = false;
  private wasRegistered = false;
  /** Its registration was ended by others: it registers again, but takes the address from nobody who is alive. */
  private isEnded = false;
  private state: 'running' | 'draining' | 'gone' = 'running';
  private problem: string | null = null;
  private running: Promise<void> = Promise.resolve();
  private draining: Promise<void> | null = null;
  private leaving: Promise<void> | null = null;

  constructor(options: RegistrationOptions) {
    this.options = options;
  }

  get view(): RegistrationView {
    const { instance } = this.options;
    const address =
      this.told === null ? null : formatHostPort({ host: this.told.address, port: this.told.port });
    const status = this.state === 'running' ? (this.told?.status ?? null) : this.state;
    const { problem } = this.health;
    const ofApplication = problem === null ? null : `The application ${problem}.`;
    return {
      instance,
      address,
      status,
      application: this.health.status,
      problem: this.problem ?? ofApplication,
    };
  }

  start(): void {
    this.running = this.guard(this.run());
  }

  /** There is a new stream: the control plane has to be told again. */
  onConnected(): void {
    this.tellAgain();
  }

  /**
   * The registration has ended, by an operator or because another instance took the address. It is made again, unless the
   * other one is alive: two that took the address from each other in turns would help nobody.
   */
  onUnregistered(reason: string): void {
    const mayBeRegistered = this.wasRegistered || this.isTelling;
    if (!mayBeRegistered || this.ending.signal.aborted) return;
    const { log, service, instance } = this.options;
    log.warn({ instance }, `${service} is not registered any more: ${reason}`);
    this.isEnded = true;
    this.wasRegistered = false;
    this.tellAgain();
  }

  private tellAgain(): void {
    this.told = null;
    this.turns++;
    this.endPause();
  }

  /** Takes the instance out of use, as far as callers have applied it after 2 s. It stays registered. Resolves in any case. */
  drain(): Promise<void> {
    this.draining ??= this.guard(this.drainNow());
    return this.draining;
  }

  /** Drains the instance and removes it. Resolves in any case, within 6 s: the call that is under way, the drain, the removal. */
  leave(): Promise<void> {
    this.leaving ??= this.guard(this.leaveNow());
    return this.leaving;
  }

  /** Nobody waits for this in a way that could fail: what goes wrong here is a bug, and no reason to stop carrying requests. */
  private guard(task: Promise<void>): Promise<void> {
    return task.catch(error => {
      const { log, instance, service } = this.options;
      log.error({ instance, err: error }, `a bug in the registration of ${service}: ${error}`);
    });
  }

  private async run(): Promise<void> {
    const { signal } = this.ending;
    while (!signal.aborted) {
      const problem = await this.options.check(signal);
      if (signal.aborted) return;
      this.health.onCheck(problem);
      await this.tellIfNews();
      this.warnIfLasting();
      await this.pause();
    }
  }

  /** Of each reason once. */
  private warnIfLasting(): void {
    const { log, service, instance } = this.options;
    const { problem, lasting, status } = this.health;
    if (problem === null) this.toldProblem = null;
    if (lasting === null || lasting === this.toldProblem) return;
    this.toldProblem = lasting;
    const consequence = status === 'unknown' ? 'is not registered before it is healthy' : 'stays down';
    log.warn({ instance }, `${service} ${consequence}: the application ${lasting}`);
  }

  private async pause(): Promise<void> {
    const { interval } = this.options.app.health;
    const isFirst = this.health.status === 'unknown';
    const ms = isFirst ? Math.min(interval, FIRST_CHECKS_MS) : interval * (0.9 + 0.2 * this.options.random());
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, this.isWoken ? 0 : ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = null;
    this.isWoken = false;
  }

  private endPause(): void {
    this.isWoken = true;
    this.wake?.();
  }

  private async tellIfNews(): Promise<void> {
    const { status } = this.health;
    const { localAddress, app, log, service, instance } = this.options;
    const local = localAddress();
    // Without a stream nobody is there to be told, and nothing would renew the lease.
    if (status === 'unknown' || local === null) return;
    if (this.isEnded && status === 'down') return;
    const address = app.advertise?.host ?? local;
    const port = app.advertise?.port ?? app.port;
    const { told } = this;
    if (told !== null && told.status === status && told.address === address && told.port === port) return;
    const body = { address, port, zone: app.zone, version: app.version, metadata: app.metadata, status };
    const { turns } = this;
    const call = putInstance(service, instance, this.isEnded);
    this.isTelling = true;
    const answer = await this.options.api.call(call, body, CALL_MS);
    this.isTelling = false;
    if (this.ending.signal.aborted) {
      this.wasRegistered ||= answer.ok;
      return;
    }
    if (!answer.ok) {
      const problem = `${service} is not registered: the control plane ${answer.problem}`;
      if (problem !== this.problem) log.warn({ instance }, problem);
      this.problem = problem;
      return;
    }
    this.problem = null;
    this.wasRegistered = true;
    if (turns !== this.turns) return;
    this.isEnded = false;
    this.told = { status, address, port };
    this.toldProblem = this.health.problem;
    const why = this.health.problem === null ? '' : `: the application ${this.health.problem}`;
    log.info({ instance, address, port }, `${service} is registered as ${status}${why}`);
  }

  private async drainNow(): Promise<void> {
    const { log, service, instance } = this.options;
    this.ending.abort();
    this.endPause();
    await this.running;
    this.state = 'draining';
    if (!this.wasRegistered) return;
    const call = drainInstance(service, instance, DRAIN_MS);
    const answer = await this.options.api.call(call, null, DRAIN_MS + DRAIN_ANSWER_MS);
    if (!answer.ok) {
      log.warn({ instance }, `${service} could not be drained: the control plane ${answer.problem}`);
      return;
    }
    const { acknowledged, waitingFor } = answer.body;
    if (waitingFor.length > 0) {
      const names = waitingFor.slice(0, 10).join(', ');
      log.warn({ instance }, `${service} drains; these callers have not said that they left it: ${names}`);
    } else if (acknowledged) {
      log.info({ instance }, `${service} is drained: all callers have left it`);
    } else {
      const reason = 'the control plane has just been started, and callers may not be back yet';
      log.warn({ instance }, `${service} drains; whether callers have left it is not known: ${reason}`);
    }
  }

  private async leaveNow(): Promise<void> {
    const { log, service, instance } = this.options;
    await this.drain();
    if (this.wasRegistered) {
      const answer = await this.options.api.call(deleteInstance(service, instance), null, REMOVE_MS);
      if (answer.ok || answer.status === 404) log.info({ instance }, `${service} is deregistered`);
      else
        log.warn({ instance }, `${service} could not be deregistered: the control plane ${answer.problem}`);
    }
    this.state = 'gone';
  }
}
