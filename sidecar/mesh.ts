import type { Log } from '../process/log.ts';
import type { ControlPlaneConfig, SidecarConfig, UpstreamConfig } from './config/sidecar-config.ts';
import { ControlPlaneApi } from './discovery/control-plane-api.ts';
import { scheduleByTimer } from './discovery/schedule.ts';
import { ServiceDirectory } from './discovery/service-directory.ts';
import { SnapshotFile } from './discovery/snapshot-file.ts';
import { SnapshotKeeper } from './discovery/snapshot-keeper.ts';
import { WatchClient } from './discovery/watch-client.ts';
import type { TimerWheel } from './io/timer-wheel.ts';
import { MeshServices } from './mesh-services.ts';
import { checkApp } from './registration/app-check.ts';
import { Registration } from './registration/registration.ts';
import { snapshotPath } from './snapshot-path.ts';
import type { DiscoveryGauges } from './telemetry/discovery-metrics.ts';

/** What a mesh needs of its sidecar. */
interface MeshContext {
  readonly wheel: TimerWheel;
  readonly log: Log;
  readonly version: string;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Whether something is under way at endpoints that are gone. */
  readonly isLeaving: () => boolean;
  /** It is not waited for any longer. */
  readonly forgetLeaving: () => void;
  readonly onUpstream: (config: UpstreamConfig) => void;
  readonly onGone: (name: string) => void;
  readonly onChanged: () => void;
}

/** All that ties a sidecar to its control plane: what it is told of others, and what it tells of its own application. */
export class Mesh implements DiscoveryGauges {
  readonly directory = new ServiceDirectory(scheduleByTimer);
  readonly services: MeshServices;
  private readonly url: string;
  private readonly client: WatchClient;
  private readonly snapshot: SnapshotKeeper | null;
  private readonly registration: Registration | null;
  /** This sidecar's at the control plane. */
  readonly id = process.getBuiltinModule('node:crypto').randomUUID();

  constructor(config: SidecarConfig, controlPlane: ControlPlaneConfig, context: MeshContext) {
    const { log, version, random } = context;
    const { service, app } = config;
    const { directory } = this;
    const { url, token } = controlPlane;
    this.url = url;
    const { id } = this;
    const target = { url, token, sidecar: id };
    const isRegistered = service !== null && app !== null;
    const instance = isRegistered ? `${service}-${id.slice(0, 8)}` : null;
    this.client = new WatchClient({
      target,
      service,
      instance,
      version,
      directory,
      schedule: scheduleByTimer,
      random,
      log,
    });
    this.services = new MeshServices({
      ...context,
      directory,
      isConnected: () => this.client.isConnected,
      watch: names => this.client.watch(names),
      refuse: (name, reason) => this.client.refuse(directory.revision, name, reason),
    });
    const path = snapshotPath(config, controlPlane, process.env);
    this.snapshot =
      path === null
        ? null
        : new SnapshotKeeper({
            file: new SnapshotFile(path),
            directory,
            schedule: scheduleByTimer,
            wallClock: Date.now,
            asOf: () => (this.client.lastHeard === 0 ? null : Date.now() - (this.ageMs ?? 0)),
            log,
          });
    this.registration =
      isRegistered && instance !== null
        ? new Registration({
            service,
            instance,
            app,
            api: new ControlPlaneApi(target),
            localAddress: () => this.client.localAddress,
            check: ending => checkApp(app.port, app.health, ending),
            random,
            log,
          })
        : null;
    if (app !== null && service === null) {
      log.warn({}, 'app is not registered: the file says no service, which would be its name');
    } else if (app === null && service !== null) {
      log.info({}, `${service} is not registered: where it listens is not said (app.port, --port)`);
    }
    directory.onApplied = () => this.snapshot?.changed();
    this.client.onUnregistered = reason => this.registration?.onUnregistered(reason);
    this.client.isLeaving = context.isLeaving;
    this.client.forgetLeaving = context.forgetLeaving;
    this.client.onConnected = () => {
      this.services.onConnected();
      this.registration?.onConnected();
    };
  }

  /** Takes up what is on disk, so that the first request finds it. */
  restore(): void {
    this.snapshot?.restore();
  }

  start(): void {
    this.client.start();
    this.registration?.start();
  }

  /** Takes the own instance out of use. Resolves in any case. */
  async drain(): Promise<void> {
    await this.registration?.drain();
  }

  /** Drains and deregisters the own instance; what others do is still told. Resolves in any case. */
  async leave(): Promise<void> {
    await this.registration?.leave();
  }

  async stop(): Promise<void> {
    await this.snapshot?.stop();
    this.services.stop();
    this.client.stop();
    this.directory.stop();
  }

  get isConnected(): boolean {
    return this.client.isConnected;
  }

  get revision(): number {
    return this.directory.revision;
  }

  get streamsLost(): number {
    return this.client.lost;
  }

  /** How long ago what is known was known to be true, in ms; null where nothing is known. */
  get ageMs(): number | null {
    const { lastHeard } = this.client;
    if (lastHeard > 0) return Math.max(0, performance.now() - lastHeard);
    const restoredAt = this.snapshot?.restoredAt ?? null;
    return restoredAt === null ? null : Math.max(0, Date.now() - restoredAt);
  }

  /** Why the control plane has told of no endpoint of a service, a sentence; null where it just has none. */
  explain(service: string): string | null {
    const { problem } = this.client;
    if (problem !== null) return `The control plane at ${this.url} ${problem}.`;
    const known = this.directory.get(service);
    if (known === undefined) return `The control plane at ${this.url} has not spoken of it yet.`;
    if (known.exists) return null;
    return `The control plane at ${this.url} knows no service of this name: check how it is written, or start an instance of it.`;
  }

  /** For the admin API. */
  describe(): object {
    const { directory, client, ageMs } = this;
    const known = [...directory.all].filter(({ exists }) => exists);
    return {
      url: this.url,
      connected: client.isConnected,
      ...(client.problem === null ? {} : { problem: `The control plane ${client.problem}.` }),
      age: ageMs === null ? null : `${(ageMs / 1000).toFixed(1)}s`,
      source: known.some(({ isFromSnapshot }) => isFromSnapshot) ? 'snapshot' : 'watch',
      epoch: directory.epoch,
      revision: directory.revision,
      services: known.map(({ name }) => name).sort(),
      registration: this.registration?.view ?? null,
    };
  }
}
