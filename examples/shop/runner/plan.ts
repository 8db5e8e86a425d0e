/** How a service's calls reach its sidecar: the three forms of egress that need no change in the application. */
type Way = 'port' | 'host' | 'proxy';

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

interface SidecarPlan {
  readonly adminPort: number;
  /** The content of its `outrider.yaml`. */
  readonly config: object;
}

/**
 * Gives everybody ports, services their URLs, and sidecars their files. Nobody is told where anybody else is: the sidecars
 * register what runs beside them, and ask the control plane for the rest.
 */
export async function planShop(
  gatewayPort: number,
  dataDir: string,
  controlPlaneUrl: string,
  takePort: () => Promise<number>,
): Promise<InstancePlan[]> {
  const plans: InstancePlan[] = [];
  for (const { name: service, instances, calls } of SERVICES) {
    for (let number = 1; number <= instances; number++) {
      const port = service === 'gateway' ? gatewayPort : await takePort();
      const egressPort = await takePort();
      const adminPort = await takePort();
      const env: Record<string, string> = { PORT: String(port), DATA_DIR: dataDir };
      const ports: Record<number, string> = {};
      for (const [callee, way] of Object.entries(calls)) {
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
        app: { port, health: { path: '/healthz' } },
        controlPlane: { url: controlPlaneUrl, snapshot: 'off' },
        egress: { listen: `127.0.0.1:${egressPort}`, ports },
        admin: { listen: `127.0.0.1:${adminPort}` },
        accessLog: { format: 'json', sample: '1%' },
      };
      plans.push({ service, name: `${service}-${number}`, port, env, sidecar: { adminPort, config } });
    }
  }
  return plans;
}
