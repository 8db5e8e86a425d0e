import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { Child } from './child.ts';
import { explainCrash } from './crash.ts';
import { FreePorts, isFree } from './free-ports.ts';
import type { Victim } from './kills.ts';
import { Leash } from './leash.ts';
import { outriderCommand } from './outrider-command.ts';
import { type InstancePlan, planShop, SERVICES } from './plan.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const MESH_FILE = fileURLToPath(new URL('../mesh/mesh.yaml', import.meta.url));
const SERVICES_DIR = fileURLToPath(new URL('../services', import.meta.url));
const USUAL_GATEWAY_PORT = 8080;
const USUAL_CONTROL_PLANE_PORT = 7600;
/** How often it is asked whether everybody is registered. */
const REGISTERED_POLL_MS = 200;
const REGISTERED_WITHIN_MS = 30_000;

/** Something that keeps the shop from opening; the message is for a person. */
export class StartError extends Error {}

interface Instance extends Victim {
  readonly plan: InstancePlan;
}

/** The running shop: every instance of every service with a sidecar beside it, each a process of its own. */
export class Shop {
  readonly gatewayUrl: string;
  readonly controlPlaneUrl: string;
  readonly instances: readonly Instance[];
  /** Where the files of this run are: configurations, logs, and the shop's data. */
  readonly folder: string;
  private readonly leash: Leash;
  private readonly controlPlane: Child;
  private readonly services: readonly Child[];
  private readonly sidecars: readonly Child[];
  private readonly outrider = outriderCommand(ROOT);

  /**
   * Prepares the shop, starts nothing yet.
   * @param gatewayPort null takes the usual one where it is free
   * @param onCrash is told of a process that ended though nobody wanted it to
   * @throws StartError where the gateway's port is taken
   */
  static async prepare(gatewayPort: number | null, onCrash: (what: string) => void): Promise<Shop> {
    const freePorts = new FreePorts();
    const takePort = () => freePorts.take();
    const port = gatewayPort ?? ((await isFree(USUAL_GATEWAY_PORT)) ? USUAL_GATEWAY_PORT : await takePort());
    if (!(await isFree(port))) {
      throw new StartError(`port ${port} is in use; choose another one for the gateway with --port`);
    }
    const folder = mkdtempSync(join(tmpdir(), 'outrider-shop-'));
    const isUsual = await isFree(USUAL_CONTROL_PLANE_PORT);
    const controlPlane = `127.0.0.1:${isUsual ? USUAL_CONTROL_PLANE_PORT : await takePort()}`;
    const plans = await planShop(port, join(folder, 'data'), `http://${controlPlane}`, takePort);
    return new Shop(`http://127.0.0.1:${port}`, controlPlane, folder, plans, onCrash);
  }

  private constructor(
    gatewayUrl: string,
    controlPlane: string,
    folder: string,
    plans: readonly InstancePlan[],
    onCrash: (what: string) => void,
  ) {
    this.gatewayUrl = gatewayUrl;
    this.controlPlaneUrl = `http://${controlPlane}`;
    this.folder = folder;
    this.leash = new Leash(folder);
    const crashed = (child: Child, how: string) => {
      onCrash(explainCrash(child.name, how, lastLinesOf(child.spec.logFile)));
    };
    for (const part of ['logs', 'sidecars']) mkdirSync(join(folder, part));
    this.controlPlane = new Child(this.controlPlaneSpec(controlPlane), this.leash, crashed);
    this.services = plans.map(plan => new Child(this.serviceSpec(plan), this.leash, crashed));
    this.sidecars = plans.map(plan => new Child(this.sidecarSpec(plan), this.leash, crashed));
    this.instances = plans.map((plan, index) => instance(plan, this.services[index] as Child));
  }

  get sidecarAdmins(): { name: string; adminUrl: string }[] {
    return this.instances.map(({ plan }) => ({ name: plan.name, adminUrl: adminUrl(plan) }));
  }

  /**
   * Starts everybody, and waits until everybody is registered.
   * @returns whether all became ready; false where one crashed or `signal` aborted
   */
  async open(signal: AbortSignal): Promise<boolean> {
    const everybody = [this.controlPlane, ...this.sidecars, ...this.services];
    const started = await Promise.all(everybody.map(child => child.start(signal)));
    return started.every(isUp => isUp) && (await this.untilRegistered(signal));
  }

  /** Stops the services and then their sidecars, since a service that shuts down may still call others. Removes all files. */
  async close(): Promise<void> {
    await Promise.all(this.services.map(child => child.kill('SIGTERM')));
    await Promise.all(this.sidecars.map(child => child.kill('SIGTERM')));
    await this.controlPlane.kill('SIGTERM');
    await this.leash.close();
  }

  private async untilRegistered(signal: AbortSignal): Promise<boolean> {
    const end = performance.now() + REGISTERED_WITHIN_MS;
    while (!signal.aborted && performance.now() < end) {
      const missing = await this.unregistered();
      if (missing.length === 0) return true;
      await sleep(REGISTERED_POLL_MS);
    }
    return false;
  }

  /** Services of which fewer instances are up than there should be. */
  private async unregistered(): Promise<string[]> {
    const counts = await Promise.all(
      SERVICES.map(({ name }) => countInstancesUp(this.controlPlaneUrl, name)),
    );
    return SERVICES.filter(({ instances }, index) => (counts[index] ?? 0) < instances).map(
      ({ name }) => name,
    );
  }

  private controlPlaneSpec(listen: string) {
    return {
      name: 'control plane',
      args: [
        ...this.outrider,
        'control-plane',
        '--listen',
        listen,
        '--data',
        join(this.folder, 'registry'),
        '--mesh',
        MESH_FILE,
      ],
      env: {},
      cwd: this.folder,
      logFile: join(this.folder, 'logs', 'control-plane.log'),
      readyUrl: `http://${listen}/readyz`,
    };
  }

  private serviceSpec(plan: InstancePlan) {
    return {
      name: plan.name,
      args: [join(SERVICES_DIR, `${plan.service}.js`)],
      env: plan.env,
      cwd: this.folder,
      logFile: join(this.folder, 'logs', `${plan.name}.log`),
      readyUrl: `http://127.0.0.1:${plan.port}/healthz`,
    };
  }

  private sidecarSpec(plan: InstancePlan) {
    const configFile = join(this.folder, 'sidecars', `${plan.name}.yaml`);
    writeFileSync(configFile, stringify(plan.sidecar.config));
    return {
      name: `${plan.name}'s sidecar`,
      args: [...this.outrider, 'sidecar', '--config', configFile],
      env: {},
      cwd: this.folder,
      logFile: join(this.folder, 'logs', `${plan.name}.sidecar.log`),
      readyUrl: `${adminUrl(plan)}/readyz`,
    };
  }
}

/** How many instances of a service the control plane tells callers of. */
async function countInstancesUp(controlPlaneUrl: string, service: string): Promise<number> {
  const answer = await fetch(`${controlPlaneUrl}/v1/services/${service}/instances`);
  if (!answer.ok) return 0;
  const { items } = (await answer.json()) as { items: { status: string }[] };
  return items.filter(({ status }) => status === 'up').length;
}

function adminUrl(plan: InstancePlan): string {
  return `http://127.0.0.1:${plan.sidecar.adminPort}`;
}

function instance(plan: InstancePlan, child: Child): Instance {
  return {
    plan,
    service: plan.service,
    name: plan.name,
    get state() {
      return child.state;
    },
    kill: signal => child.kill(signal),
    start: signal => child.start(signal),
  };
}

function lastLinesOf(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
}
