import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FreePorts } from '../../../../examples/shop/runner/free-ports.ts';
import type { Pinning } from '../../pinning.ts';
import { findProgram, programVersion } from '../../programs.ts';
import { forEachAtOnce } from '../at-once.ts';
import { HttpCalls } from '../http-calls.ts';
import type { MeshPlan, PlannedChange, PlannedInstance } from '../mesh-plan.ts';
import { ServerProcess } from '../server-process.ts';
import type { AbsentPlane, AvailablePlane, OnApplied, TestedPlane } from '../tested-plane.ts';
import { ConsulWatcher } from './consul-watcher.ts';

const REGISTERING = 32;

/**
 * Consul as one server that keeps its log on disk. Instances are registered in its catalog, each sidecar being a node
 * (https://developer.hashicorp.com/consul/api-docs/catalog); watchers ask by blocking queries, one for each service
 * (https://developer.hashicorp.com/consul/api-docs/features/blocking). A policy is written as metadata of an instance, so
 * that this one query sees it too.
 */
export function consulPlane(plan: MeshPlan, pinning: Pinning | null): AvailablePlane | AbsentPlane {
  const name = 'consul';
  const program = findProgram('consul', 'CONSUL');
  if (program === null) return { name, absent: 'neither on PATH nor in $CONSUL' };
  return {
    name,
    version: programVersion(program, ['version'], /Consul v?(\S+)/) ?? 'unknown version',
    async prepare(folder) {
      const ports = new FreePorts();
      const http = await ports.take();
      const file = join(folder, 'consul.json');
      const settings = {
        server: true,
        bootstrap_expect: 1,
        node_name: 'bench',
        bind_addr: '127.0.0.1',
        client_addr: '127.0.0.1',
        data_dir: join(folder, 'data'),
        ports: {
          http,
          dns: -1,
          grpc: -1,
          serf_lan: await ports.take(),
          serf_wan: -1,
          server: await ports.take(),
        },
        // A query for each service and sidecar needs a connection each, and all come from one address here.
        limits: { http_max_conns_per_client: 1_000_000 },
        performance: { raft_multiplier: 1 },
        disable_update_check: true,
        log_level: 'ERR',
      };
      writeFileSync(file, JSON.stringify(settings));
      const command = { program, args: ['agent', `-config-file=${file}`] };
      return new Consul(new ServerProcess(command, pinning), `http://127.0.0.1:${http}`, plan);
    },
  };
}

/** What Consul says of an instance beside its address. */
interface Registered {
  weight: number;
  isDrained: boolean;
  policy: object;
}

class Consul implements TestedPlane {
  readonly name = 'consul';
  readonly server: ServerProcess;
  private readonly url: string;
  private readonly plan: MeshPlan;
  private readonly calls: HttpCalls;
  private readonly registered = new Map<PlannedInstance, Registered>();
  private readonly first: ReadonlyMap<string, PlannedInstance>;
  private watchers: readonly ConsulWatcher[] = [];

  constructor(server: ServerProcess, url: string, plan: MeshPlan) {
    this.server = server;
    this.url = url;
    this.plan = plan;
    this.calls = new HttpCalls(url, 64);
    this.first = new Map(
      [...plan.instances]
        .reverse()
        .map((instance): [string, PlannedInstance] => [instance.service, instance]),
    );
  }

  get synchronized(): number {
    return this.watchers.filter(({ isSynchronized }) => isSynchronized).length;
  }

  get lost(): number {
    return this.watchers.reduce((sum, { lost }) => sum + lost, 0);
  }

  async isServing(): Promise<boolean> {
    const { status, text } = await this.calls.call('GET', '/v1/status/leader');
    return status === 200 && /\d/.test(text);
  }

  async connect(onApplied: OnApplied): Promise<void> {
    const { plan, url } = this;
    this.watchers = Array.from(
      { length: plan.watchers },
      (_, i) => new ConsulWatcher(url, plan.servicesOf(i), onApplied),
    );
    await forEachAtOnce(this.watchers, 10, watcher => watcher.start());
  }

  async register(): Promise<void> {
    for (const instance of this.plan.instances) {
      this.registered.set(instance, { weight: 1, isDrained: false, policy: {} });
    }
    await forEachAtOnce(this.plan.instances, REGISTERING, instance => this.put(instance, 0));
  }

  /** Its answers name no revision: watchers find the number of the change in the instance's metadata. */
  async change(planned: PlannedChange, number: number): Promise<number> {
    const instance = planned.kind === 'policy' ? this.first.get(planned.service) : planned.instance;
    const state = instance === undefined ? undefined : this.registered.get(instance);
    if (instance === undefined || state === undefined) throw new Error(`${planned.service} has no instance`);
    if (planned.kind === 'weight') state.weight = planned.weight;
    else if (planned.kind === 'policy') state.policy = planned.policy;
    else state.isDrained = planned.kind === 'drain';
    const revision = number + 1;
    for (const watcher of this.watchers) watcher.expect(planned.service, instance.id, revision);
    await this.put(instance, revision);
    return revision;
  }

  async countInstances(): Promise<number> {
    const counts = this.plan.services.map(async service => {
      const { text } = await this.calls.demand('GET', `/v1/health/service/${service}`);
      return (JSON.parse(text) as unknown[]).length;
    });
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  disconnect(): void {
    for (const watcher of this.watchers) watcher.stop();
    this.calls.close();
  }

  private async put(instance: PlannedInstance, change: number): Promise<void> {
    const { service, id, address, port, watcher } = instance;
    const { weight, isDrained, policy } = this.registered.get(instance) as Registered;
    const body = {
      Node: `sidecar-${watcher}`,
      Address: address,
      SkipNodeUpdate: change > 0,
      Service: {
        ID: id,
        Service: service,
        Address: address,
        Port: port,
        Weights: { Passing: weight, Warning: 1 },
        Meta: { change: String(change), policy: JSON.stringify(policy) },
      },
      Check: {
        Node: `sidecar-${watcher}`,
        CheckID: `service:${id}`,
        Name: 'app',
        ServiceID: id,
        Status: isDrained ? 'critical' : 'passing',
      },
    };
    await this.calls.demand('PUT', '/v1/catalog/register', { body });
  }
}
