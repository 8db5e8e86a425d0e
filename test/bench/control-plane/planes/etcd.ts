import { join } from 'node:path';
import { FreePorts } from '../../../../examples/shop/runner/free-ports.ts';
import type { Pinning } from '../../pinning.ts';
import { findProgram, programVersion } from '../../programs.ts';
import { forEachAtOnce } from '../at-once.ts';
import { HttpCalls } from '../http-calls.ts';
import type { MeshPlan, PlannedChange, PlannedInstance } from '../mesh-plan.ts';
import { ServerProcess } from '../server-process.ts';
import type { AbsentPlane, AvailablePlane, OnApplied, TestedPlane } from '../tested-plane.ts';
import { EtcdWatcher } from './etcd-watcher.ts';

const REGISTERING = 32;
/** As long as ours, and renewed as often: https://etcd.io/docs/v3.4/learning/api/#lease-api */
const TTL_S = 6;
const RENEW_MS = 2000;

/**
 * etcd as one member, reached as a client without gRPC reaches it: by its JSON gateway
 * (https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/). An instance and a policy are a key each, a sidecar has one lease
 * for its instances, and one stream with a watch on the prefix of each service that it uses.
 */
export function etcdPlane(plan: MeshPlan, pinning: Pinning | null): AvailablePlane | AbsentPlane {
  const name = 'etcd';
  const program = findProgram('etcd', 'ETCD');
  if (program === null) return { name, absent: 'neither on PATH nor in $ETCD' };
  return {
    name,
    version: programVersion(program, ['--version'], /etcd Version: (\S+)/) ?? 'unknown version',
    async prepare(folder) {
      const ports = new FreePorts();
      const client = `http://127.0.0.1:${await ports.take()}`;
      const peer = `http://127.0.0.1:${await ports.take()}`;
      const settings = {
        name: 'bench',
        'data-dir': join(folder, 'data'),
        'listen-client-urls': client,
        'advertise-client-urls': client,
        'listen-peer-urls': peer,
        'initial-advertise-peer-urls': peer,
        'initial-cluster': `bench=${peer}`,
        logger: 'zap',
        'log-level': 'error',
      };
      const args = Object.entries(settings).map(([key, value]) => `--${key}=${value}`);
      return new Etcd(new ServerProcess({ program, args }, pinning), client, plan);
    },
  };
}

class Etcd implements TestedPlane {
  readonly name = 'etcd';
  readonly server: ServerProcess;
  private readonly url: string;
  private readonly plan: MeshPlan;
  private readonly calls: HttpCalls;
  /** Apart from the others, so that no change waits behind them. */
  private readonly renewals: HttpCalls;
  private readonly leases: string[] = [];
  private watchers: readonly EtcdWatcher[] = [];
  private renewing: NodeJS.Timeout | null = null;

  constructor(server: ServerProcess, url: string, plan: MeshPlan) {
    this.server = server;
    this.url = url;
    this.plan = plan;
    this.calls = new HttpCalls(url, 64);
    this.renewals = new HttpCalls(url, 64);
  }

  get synchronized(): number {
    return this.watchers.filter(({ isSynchronized }) => isSynchronized).length;
  }

  get lost(): number {
    return this.watchers.reduce((sum, { lost }) => sum + lost, 0);
  }

  /** Reads are linearizable, so that an answer needs a leader. */
  async isServing(): Promise<boolean> {
    const key = base64('/mesh/');
    return (await this.calls.call('POST', '/v3/kv/range', { body: { key } })).status === 200;
  }

  async connect(onApplied: OnApplied): Promise<void> {
    const { plan, url } = this;
    this.watchers = Array.from(
      { length: plan.watchers },
      (_, i) => new EtcdWatcher(url, plan.servicesOf(i), onApplied),
    );
    await forEachAtOnce(this.watchers, 50, watcher => watcher.start());
  }

  async register(): Promise<void> {
    const { plan, calls, leases } = this;
    const watchers = Array.from({ length: plan.watchers }, (_, i) => i);
    await forEachAtOnce(watchers, REGISTERING, async watcher => {
      const { text } = await calls.demand('POST', '/v3/lease/grant', { body: { TTL: TTL_S } });
      leases[watcher] = (JSON.parse(text) as { ID: string }).ID;
    });
    this.renew();
    await forEachAtOnce(plan.services, REGISTERING, service => this.put(policyKey(service), {}));
    await forEachAtOnce(plan.instances, REGISTERING, instance => this.putInstance(instance, 1, 'up'));
  }

  async change(planned: PlannedChange): Promise<number> {
    switch (planned.kind) {
      case 'weight':
        return await this.putInstance(planned.instance, planned.weight, 'up');
      case 'policy':
        return await this.put(policyKey(planned.service), planned.policy);
      case 'drain':
        return await this.putInstance(planned.instance, 1, 'draining');
      case 'undrain':
        return await this.putInstance(planned.instance, 1, 'up');
    }
  }

  async countInstances(): Promise<number> {
    const range = { key: base64('/mesh/'), range_end: base64('/mesh0'), count_only: true };
    const { text } = await this.calls.demand('POST', '/v3/kv/range', { body: range });
    return Number((JSON.parse(text) as { count?: string }).count ?? 0) - this.plan.services.length;
  }

  disconnect(): void {
    if (this.renewing !== null) clearInterval(this.renewing);
    for (const watcher of this.watchers) watcher.stop();
    this.calls.close();
    this.renewals.close();
  }

  /** Each lease every two seconds, spread over them as sidecars that started one after another would. */
  private renew(): void {
    let next = 0;
    const slices = 100;
    this.renewing = setInterval(() => {
      for (let i = next++ % slices; i < this.leases.length; i += slices) {
        const body = { ID: this.leases[i] };
        this.renewals.call('POST', '/v3/lease/keepalive', { body }).catch(() => {});
      }
    }, RENEW_MS / slices);
  }

  private async putInstance(instance: PlannedInstance, weight: number, status: string): Promise<number> {
    const { service, id, address, port, watcher } = instance;
    const value = { id, address, port, weight, status };
    return await this.put(`/mesh/${service}/instances/${id}`, value, this.leases[watcher]);
  }

  /** @returns the revision of the change */
  private async put(key: string, value: object, lease?: string): Promise<number> {
    const body = { key: base64(key), value: base64(JSON.stringify(value)), lease };
    const { text } = await this.calls.demand('POST', '/v3/kv/put', { body });
    return Number((JSON.parse(text) as { header: { revision: string } }).header.revision);
  }
}

function policyKey(service: string): string {
  return `/mesh/${service}/policy`;
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
