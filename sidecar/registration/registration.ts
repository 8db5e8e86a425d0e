import { setTimeout as sleep } from 'node:timers/promises';
import type { AppConfig } from '../config/sidecar-config.ts';
import type { ApiAnswer } from '../discovery/control-plane-api.ts';
import type { Log } from '../telemetry/log.ts';
import { HealthState } from './health-state.ts';

export interface RegistrationOptions {
  readonly service: string;
  /** The id of the instance: new with each process, so that whoever takes over its address is another. */
  readonly instance: string;
  readonly app: AppConfig;
  readonly api: {
    call(method: string, path: string, body: object | null, timeoutMs: number): Promise<ApiAnswer>;
  };
  /** By which the control plane is reached from here; null while there is no stream to it. */
  readonly localAddress: () => string | null;
  /** Looks once at the application. @returns null where it is healthy, else why not */
  readonly check: () => Promise<string | null>;
  /** From 0 to below 1. */
  readonly random: () => number;
  readonly log: Log;
}

/** How the registration stands, for people. */
export interface RegistrationView {
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
/** How long callers get to apply that the instance leaves. */
const DRAIN_MS = 2000;
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
  private wake = new AbortController();
  /** What the control plane knows: status and address. */
  private told: { readonly status: 'up' | 'down'; readonly address: string; readonly port: number } | null =
    null;
  private wasRegistered = false;
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
    const address = this.told === null ? null : `${this.told.address}:${this.told.port}`;
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
    this.running = this.run();
  }

  /** There is a new stream: the control plane has to be told again. */
  onConnected(): void {
    this.told = null;
    this.wake.abort();
  }

  /** Takes the instance out of use, as far as callers have applied it after 2 s. It stays registered. Resolves in any case. */
  drain(): Promise<void> {
    this.draining ??= this.drainNow();
    return this.draining;
  }

  /** Drains the instance and removes it. Resolves in any case, within 6 s. */
  leave(): Promise<void> {
    this.leaving ??= this.leaveNow();
    return this.leaving;
  }

  private async run(): Promise<void> {
    while (!this.ending.signal.aborted) {
      this.health.onCheck(await this.options.check());
      if (this.ending.signal.aborted) return;
      await this.tellIfNews();
      await this.pause();
    }
  }

  private async pause(): Promise<void> {
    const { interval } = this.options.app.health;
    const isFirst = this.health.status === 'unknown';
    const ms = isFirst ? Math.min(interval, FIRST_CHECKS_MS) : interval * (0.9 + 0.2 * this.options.random());
    const signal = AbortSignal.any([this.ending.signal, this.wake.signal]);
    await sleep(ms, undefined, { signal }).catch(() => {});
    if (this.wake.signal.aborted) this.wake = new AbortController();
  }

  private async tellIfNews(): Promise<void> {
    const { status } = this.health;
    const { localAddress, app, log, service, instance } = this.options;
    const local = localAddress();
    // Without a stream nobody is there to be told, and nothing would renew the lease.
    if (status === 'unknown' || local === null) return;
    const address = app.advertise?.host ?? local;
    const port = app.advertise?.port ?? app.port;
    const { told } = this;
    if (told !== null && told.status === status && told.address === address && told.port === port) return;
    const body = { address, port, zone: app.zone, version: app.version, metadata: app.metadata, status };
    const answer = await this.call('PUT', '', body, CALL_MS);
    if (this.ending.signal.aborted) {
      this.wasRegistered ||= answer.problem === null;
      return;
    }
    if (answer.problem !== null) {
      const problem = `${service} is not registered: the control plane ${answer.problem}`;
      if (problem !== this.problem) log.warn({ instance }, problem);
      this.problem = problem;
      return;
    }
    this.problem = null;
    this.wasRegistered = true;
    this.told = { status, address, port };
    const why = this.health.problem === null ? '' : `: the application ${this.health.problem}`;
    log.info({ instance, address, port }, `${service} is registered as ${status}${why}`);
  }

  private async drainNow(): Promise<void> {
    const { log, service, instance } = this.options;
    this.ending.abort();
    await this.running;
    this.state = 'draining';
    if (!this.wasRegistered) return;
    const answer = await this.call('POST', `/drain?wait=${DRAIN_MS}ms`, null, DRAIN_MS + 1000);
    if (answer.problem !== null) {
      log.warn({ instance }, `${service} could not be drained: the control plane ${answer.problem}`);
      return;
    }
    const { acknowledged, waitingFor } = answer.body as {
      acknowledged?: boolean;
      waitingFor?: readonly unknown[];
    };
    if (Array.isArray(waitingFor) && waitingFor.length > 0) {
      const names = waitingFor.slice(0, 10).map(nameOf).join(', ');
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
      const answer = await this.call('DELETE', '', null, CALL_MS);
      const isGone = answer.problem === null || answer.status === 404;
      if (isGone) log.info({ instance }, `${service} is deregistered`);
      else
        log.warn({ instance }, `${service} could not be deregistered: the control plane ${answer.problem}`);
    }
    this.state = 'gone';
  }

  private call(method: string, suffix: string, body: object | null, timeoutMs: number): Promise<ApiAnswer> {
    const { api, service, instance } = this.options;
    return api.call(method, `/v1/services/${service}/instances/${instance}${suffix}`, body, timeoutMs);
  }
}

function nameOf(caller: unknown): string {
  return typeof caller === 'string' ? caller : JSON.stringify(caller);
}
