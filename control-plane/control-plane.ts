import { Paced } from '../process/paced.ts';
import { type ApiOptions, ApiServer } from './api/api-server.ts';
import { controlPlaneMetrics } from './api/metrics.ts';
import type { HostPort } from './contract/host-port.ts';
import { WATCH_HEARTBEAT_MS } from './contract/watch-messages.ts';
import { MeshPolicies, type Policies } from './mesh-policies.ts';
import { CONTROL_PLANE } from './registry/actor.ts';
import { type Moment, readMoment } from './registry/moment.ts';
import type { Registry, RegistryOptions } from './registry/registry.ts';
import { openRegistry, type RegistryKeeper } from './store/registry-keeper.ts';
import { type Store, StoreError } from './store/store.ts';
import { WatchHub } from './watch/watch-hub.ts';

export interface ControlPlaneOptions extends ApiOptions {
  /** Closed by the control plane when it stops. */
  readonly store: Store;
  readonly version: string;
  /** The mesh file: policies to be written at the start, by service. */
  readonly services: Policies;
  /** Told, in a sentence, what whoever runs the control plane should know; an event says it too. */
  onNotice(text: string): void;
  /** Told when changes can't be kept, of each reason once, and with null when they are kept again. */
  onKeeping(failure: StoreError | null): void;
  readonly clock?: () => Moment;
  readonly settings?: RegistryOptions['settings'];
}

const TICK_MS = 500;
/** Streams may not take all connections: somebody has to be able to ask what is going on. */
const STREAMS_SHARE = 0.9;

/** A control plane that runs: the registry with its store, the watch, the API, and the clock that moves them. */
export class ControlPlane {
  /** By which the mesh file is written anew. */
  readonly meshPolicies: MeshPolicies;
  private readonly registry: Registry;
  private readonly keeper: RegistryKeeper;
  private readonly hub: WatchHub;
  private readonly api: ApiServer;
  private readonly beginStop: () => void;
  private readonly onKeeping: (failure: StoreError | null) => void;
  private readonly clock: () => Moment;
  private readonly timer: NodeJS.Timeout;
  private lastBeat: number;
  /** What was told last of a store that fails. */
  private toldFailure: string | null = null;
  private stopped: Promise<void> | null = null;

  /** @throws where the store can't be opened, or the address not listened on */
  static async start(options: ControlPlaneOptions): Promise<ControlPlane> {
    const { store, services, clock = readMoment, settings, version } = options;
    const { registry, keeper, notices } = await openRegistry(
      store,
      clock,
      settings === undefined ? {} : { settings },
    );
    try {
      const maxStreams = Math.max(1, Math.floor(options.connections * STREAMS_SHARE));
      const hub = new WatchHub(registry, clock, { maxStreams });
      const meshPolicies = new MeshPolicies(registry, keeper, clock);
      for (const text of notices) {
        registry.note('store-repaired', text, CONTROL_PLANE, clock());
        options.onNotice(text);
      }
      await meshPolicies.write(services).catch(error => {
        // Callers can be served all the same, by what was kept before.
        if (!(error instanceof StoreError && error.kind === 'full')) throw error;
        meshPolicies.refused(error.message);
        options.onNotice(`the mesh file is not in force: ${error.message}`);
      });
      let isStopping = false;
      const shown = {
        registry,
        keeper,
        hub,
        clock,
        version,
        storeName: store.name,
        isStopping: () => isStopping,
        meshFileRefusal: () => meshPolicies.refusal,
      };
      const metrics = new Paced(() => controlPlaneMetrics(shown));
      const api = await ApiServer.start({ ...shown, metrics: () => metrics.get() }, options);
      const beginStop = () => {
        isStopping = true;
      };
      const onKeeping = (failure: StoreError | null) => options.onKeeping(failure);
      return new ControlPlane({ registry, keeper, hub, api, clock, meshPolicies, beginStop, onKeeping });
    } catch (error) {
      await keeper.close().catch(() => {});
      throw error;
    }
  }

  private constructor(parts: {
    registry: Registry;
    keeper: RegistryKeeper;
    hub: WatchHub;
    api: ApiServer;
    clock: () => Moment;
    meshPolicies: MeshPolicies;
    beginStop: () => void;
    onKeeping: (failure: StoreError | null) => void;
  }) {
    this.registry = parts.registry;
    this.keeper = parts.keeper;
    this.hub = parts.hub;
    this.api = parts.api;
    this.clock = parts.clock;
    this.meshPolicies = parts.meshPolicies;
    this.beginStop = parts.beginStop;
    this.onKeeping = parts.onKeeping;
    this.lastBeat = this.clock().monotonic;
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  /** Where the API listens, with the port that was taken. */
  get address(): HostPort {
    return this.api.address;
  }

  /** How to call the API from this machine. */
  get url(): string {
    return this.api.url;
  }

  /** Ends the streams, then the API, and keeps what is left to be kept. Idempotent. */
  stop(): Promise<void> {
    this.stopped ??= this.close();
    return this.stopped;
  }

  private async close(): Promise<void> {
    this.beginStop();
    clearInterval(this.timer);
    this.hub.stop();
    await this.api.stop();
    await this.keeper.close();
  }

  /** One timer for all: it is the registry that notices a stall, before anybody is blamed for it. */
  private tick(): void {
    const now = this.clock();
    this.registry.tick(now);
    this.tellOfStore();
    if (now.monotonic - this.lastBeat < WATCH_HEARTBEAT_MS - TICK_MS / 2) return;
    this.lastBeat = now.monotonic;
    this.hub.beat();
  }

  private tellOfStore(): void {
    const { failure } = this.keeper;
    const message = failure?.message ?? null;
    if (message === this.toldFailure) return;
    this.toldFailure = message;
    this.onKeeping(failure);
  }
}
