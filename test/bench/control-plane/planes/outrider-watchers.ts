import type { Log } from '../../../../process/log.ts';
import { scheduleByTimer } from '../../../../sidecar/discovery/schedule.ts';
import { ServiceDirectory } from '../../../../sidecar/discovery/service-directory.ts';
import { WatchClient } from '../../../../sidecar/discovery/watch-client.ts';
import type { MeshPlan } from '../mesh-plan.ts';
import type { OnApplied } from '../tested-plane.ts';

/** Connections that are opened at the same time at the start. */
const AT_ONCE = 50;

const SILENT = { info() {}, warn() {}, error() {} } as unknown as Log;

/** Sidecars as far as the control plane sees them: each with the sidecar's own watch client and directory, all in one process. */
export class OutriderWatchers {
  private readonly watchers: Watcher[];

  /** @param idOf the id of the sidecar number `i` */
  constructor(plan: MeshPlan, url: string, idOf: (i: number) => string, onApplied: OnApplied) {
    this.watchers = Array.from(
      { length: plan.watchers },
      (_, i) => new Watcher(url, idOf(i), plan.servicesOf(i), onApplied),
    );
  }

  /** Those that are connected and know all that they asked for of the control plane's present history. */
  get synchronized(): number {
    return this.watchers.filter(({ client, directory, services }) => {
      const knowsAll = services.every(name => directory.get(name) !== undefined);
      return client.isConnected && directory.isWhole && knowsAll;
    }).length;
  }

  /** Streams that broke. */
  get lost(): number {
    return this.watchers.reduce((sum, { client }) => sum + client.lost, 0);
  }

  /** Opens all streams, some at a time, and returns when each knows its services. */
  async start(): Promise<void> {
    for (let i = 0; i < this.watchers.length; i += AT_ONCE) {
      for (const { client } of this.watchers.slice(i, i + AT_ONCE)) client.start();
      while (this.synchronized < Math.min(this.watchers.length, i + AT_ONCE)) {
        await new Promise(resolve => setTimeout(resolve, 5));
      }
    }
  }

  stop(): void {
    for (const { client, directory } of this.watchers) {
      client.stop();
      directory.stop();
    }
  }
}

class Watcher {
  readonly services: readonly string[];
  readonly directory = new ServiceDirectory(scheduleByTimer);
  readonly client: WatchClient;

  constructor(url: string, id: string, services: readonly string[], onApplied: OnApplied) {
    this.services = services;
    const { directory } = this;
    this.client = new WatchClient({
      target: { url, token: '', sidecar: id },
      service: 'bench',
      instance: id,
      version: 'bench',
      directory,
      schedule: scheduleByTimer,
      random: Math.random,
      log: SILENT,
    });
    this.client.watch(services);
    const policies = new Map<string, string>();
    directory.onNews = ({ name, policy }) => {
      const before = policies.get(name);
      const now = JSON.stringify(policy);
      policies.set(name, now);
      if (before !== undefined && before !== now) onApplied(name, directory.revision);
    };
    for (const service of services) {
      directory.listen(service, {
        onSync() {},
        onChange: () => onApplied(service, directory.revision),
      });
    }
  }
}
