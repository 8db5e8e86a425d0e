/** How a service's calls reach its sidecar: the three forms of egress that need no change in the application. */
export type Way = 'port' | 'host' | 'proxy';

interface ServicePlan {
  readonly name: string;
  readonly instances: number;
  readonly calls: Readonly<Record<string, Way>>;
}

/** The shop: who there is, in how many copies, and who calls whom. A service with one instance is never killed. */
export const SERVICES: readonly ServicePlan[] = [
  {
    name: 'gateway',
    instances: 1,
    calls: { orders: 'port', kitchen: 'port', delivery: 'port', accounting: 'port' },
  },
  { name: 'orders', instances: 2, calls: { kitchen: 'port' } },
  { name: 'kitchen', instances: 3, calls: { delivery: 'host' } },
  { name: 'delivery', instances: 2, calls: { kitchen: 'proxy' } },
  { name: 'accounting', instances: 1, calls: { orders: 'proxy' } },
];

/** One copy of a service and the sidecar beside it. */
export interface InstancePlan {
  readonly service: string;
  /** `kitchen-2` */
  readonly name: string;
  readonly port: number;
  /** What the service finds in its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly sidecar: SidecarPlan;
}

export interface SidecarPlan {
  readonly adminPort: number;
  /** The content of its `outrider.yaml`. */
  readonly config: object;
}

/** Gives everybody ports, services their URLs, and sidecars their files. */
export async function planShop(
  gatewayPort: number,
  dataDir: string,
  takePort: () => Promise<number>,
): Promise<InstancePlan[]> {
  const addresses = new Map<string, number[]>();
  for (const { name, instances } of SERVICES) {
    const ports: number[] = [];
    for (let i = 0; i < instances; i++) ports.push(name === 'gateway' ? gatewayPort : await takePort());
    addresses.set(name, ports);
  }

  const plans: InstancePlan[] = [];
  for (const { name: service, calls } of SERVICES) {
    for (const [index, port] of (addresses.get(service) ?? []).entries()) {
      const egressPort = await takePort();
      const adminPort = await takePort();
      const env: Record<string, string> = { PORT: String(port), DATA_DIR: dataDir };
      const upstreams: Record<string, object> = {};
      const ports: Record<number, string> = {};
      for (const [callee, way] of Object.entries(calls)) {
        const endpoints = (addresses.get(callee) ?? []).map(endpoint => `127.0.0.1:${endpoint}`);
        upstreams[callee] = { endpoints };
        const url = `${callee.toUpperCase()}_URL`;
        switch (way) {
          case 'port': {
            const upstreamPort = await takePort();
            ports[upstreamPort] = callee;
            env[url] = `http://127.0.0.1:${upstreamPort}`;
            break;
          }
          case 'host':
            env[url] = `http://127.0.0.1:${egressPort}`;
            env[`${callee.toUpperCase()}_HOST`] = callee;
            break;
          case 'proxy':
            env[url] = `http://${callee}`;
            env.HTTP_PROXY = `http://127.0.0.1:${egressPort}`;
            break;
        }
      }
      const config = {
        service,
        egress: { listen: `127.0.0.1:${egressPort}`, ports },
        upstreams,
        admin: { listen: `127.0.0.1:${adminPort}` },
        accessLog: { format: 'json', sample: '1%' },
      };
      plans.push({ service, name: `${service}-${index + 1}`, port, env, sidecar: { adminPort, config } });
    }
  }
  return plans;
}
