import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SIDECAR_HEADER } from '../../../../control-plane/contract/watch-messages.ts';
import { FreePorts } from '../../../../examples/shop/runner/free-ports.ts';
import type { Pinning } from '../../pinning.ts';
import { programVersion } from '../../programs.ts';
import { forEachAtOnce } from '../at-once.ts';
import { HttpCalls } from '../http-calls.ts';
import type { MeshPlan, PlannedChange, PlannedInstance } from '../mesh-plan.ts';
import { ServerProcess } from '../server-process.ts';
import type { AbsentPlane, AvailablePlane, OnApplied, TestedPlane } from '../tested-plane.ts';
import { OutriderWatchers } from './outrider-watchers.ts';

/** How many calls are under way while the mesh is registered. */
const REGISTERING = 32;

/** Our own, as it ships: the bundle, all defaults, its data in a folder. */
export function outriderPlane(
  node: string,
  bundle: string,
  plan: MeshPlan,
  pinning: Pinning | null,
): AvailablePlane | AbsentPlane {
  const name = 'outrider';
  if (!existsSync(bundle)) return { name, absent: `${bundle} is not built` };
  const runtime = programVersion(node, ['--version'], /^v(\d\S+)/);
  if (runtime === null) return { name, absent: `${node} is not a Node runtime` };
  const version = programVersion(node, [bundle, '--version'], /(\d+\.\d+\.\S+)/);
  return {
    name,
    version: `${version ?? 'unknown version'} on Node ${runtime}`,
    async prepare(folder) {
      const port = await new FreePorts().take();
      const listen = `127.0.0.1:${port}`;
      // All calls come from one address here; in a mesh, each sidecar has its own.
      const settings = ['--listen', listen, '--data', join(folder, 'data'), '--rate-limit', '1000000'];
      const command = { program: node, args: [bundle, 'control-plane', ...settings] };
      return new Outrider(new ServerProcess(command, pinning), `http://${listen}`, plan);
    },
  };
}

class Outrider implements TestedPlane {
  readonly name = 'outrider';
  readonly server: ServerProcess;
  private readonly url: string;
  private readonly plan: MeshPlan;
  private readonly calls: HttpCalls;
  private watchers: OutriderWatchers | null = null;

  constructor(server: ServerProcess, url: string, plan: MeshPlan) {
    this.server = server;
    this.url = url;
    this.plan = plan;
    this.calls = new HttpCalls(url, 64);
  }

  get synchronized(): number {
    return this.watchers?.synchronized ?? 0;
  }

  get lost(): number {
    return this.watchers?.lost ?? 0;
  }

  async isServing(): Promise<boolean> {
    return (await this.calls.call('GET', '/readyz')).status === 200;
  }

  async connect(onApplied: OnApplied): Promise<void> {
    this.watchers = new OutriderWatchers(this.plan, this.url, sidecarOf, onApplied);
    await this.watchers.start();
  }

  /** The instances in the name of the sidecars that keep their leases from then on. */
  async register(): Promise<void> {
    const { services, instances } = this.plan;
    await forEachAtOnce(services, REGISTERING, service =>
      this.calls.demand('PUT', `/v1/services/${service}`, { body: { policy: {} } }),
    );
    await forEachAtOnce(instances, REGISTERING, instance => this.put(instance, 1));
  }

  async change(planned: PlannedChange): Promise<number> {
    switch (planned.kind) {
      case 'weight':
        return await this.put(planned.instance, planned.weight);
      case 'policy': {
        const body = { policy: planned.policy };
        const { text } = await this.calls.demand('PUT', `/v1/services/${planned.service}`, { body });
        return (JSON.parse(text) as { revision: number }).revision;
      }
      case 'drain':
      case 'undrain': {
        const path = `${pathOf(planned.instance)}/${planned.kind}?wait=5s`;
        const { text } = await this.calls.demand('POST', path);
        const { revision, acknowledged } = JSON.parse(text) as { revision: number; acknowledged: boolean };
        if (!acknowledged) throw new Error(`${path}: not acknowledged`);
        return revision;
      }
    }
  }

  async countInstances(): Promise<number> {
    const { text } = await this.calls.demand('GET', '/healthz');
    const { instances, suspect, expired } = JSON.parse(text) as Record<string, number>;
    return instances - suspect - expired;
  }

  disconnect(): void {
    this.watchers?.stop();
    this.calls.close();
  }

  private async put(instance: PlannedInstance, weight: number): Promise<number> {
    const { address, port, watcher } = instance;
    const { text } = await this.calls.demand('PUT', pathOf(instance), {
      body: { address, port, weight },
      headers: { [SIDECAR_HEADER]: sidecarOf(watcher) },
    });
    return (JSON.parse(text) as { revision: number }).revision;
  }
}

function pathOf({ service, id }: PlannedInstance): string {
  return `/v1/services/${service}/instances/${id}`;
}

function sidecarOf(watcher: number): string {
  return `sidecar-${watcher}`;
}
