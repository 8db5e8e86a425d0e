import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { Child } from './child.ts';
import { FreePorts, isFree } from './free-ports.ts';
import type { Victim } from './kills.ts';
import { Leash } from './leash.ts';
import { type InstancePlan, planShop } from './plan.ts';
import { sidecarCommand } from './sidecar-command.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const SERVICES_DIR = fileURLToPath(new URL('../services', import.meta.url));
const USUAL_GATEWAY_PORT = 8080;

/** Something that keeps the shop from opening; the message is for a person. */
export class StartError extends Error {}

interface Instance extends Victim {
  readonly plan: InstancePlan;
}

/** The running shop: every instance of every service with a sidecar beside it, each a process of its own. */
export class Shop {
  readonly gatewayUrl: string;
  readonly instances: readonly Instance[];
  /** Where the files of this run are: configurations, logs, and the shop's data. */
  readonly folder: string;
  private readonly leash: Leash;
  private readonly services: readonly Child[];
  private readonly sidecars: readonly Child[];
  private readonly sidecarCommand = sidecarCommand(ROOT);

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
    const plans = await planShop(port, join(folder, 'data'), takePort);
    return new Shop(`http://127.0.0.1:${port}`, folder, plans, onCrash);
  }

  private constructor(
    gatewayUrl: string,
    folder: string,
    plans: readonly InstancePlan[],
    onCrash: (what: string) => void,
  ) {
    this.gatewayUrl = gatewayUrl;
    this.folder = folder;
    this.leash = new Leash(folder);
    const crashed = (child: Child, how: string) => {
      onCrash(`${child.name}: ${how}; its log ends with\n${lastLinesOf(child.spec.logFile)}`);
    };
    for (const part of ['logs', 'sidecars']) mkdirSync(join(folder, part));
    this.services = plans.map(plan => new Child(this.serviceSpec(plan), this.leash, crashed));
    this.sidecars = plans.map(plan => new Child(this.sidecarSpec(plan), this.leash, crashed));
    this.instances = plans.map((plan, index) => instance(plan, this.services[index] as Child));
  }

  get sidecarAdmins(): { name: string; adminUrl: string }[] {
    return this.instances.map(({ plan }) => ({ name: plan.name, adminUrl: adminUrl(plan) }));
  }

  /**
   * Starts everybody.
   * @returns whether all became ready; false where one crashed or `signal` aborted
   */
  async open(signal: AbortSignal): Promise<boolean> {
    const started = await Promise.all([...this.sidecars, ...this.services].map(child => child.start(signal)));
    return started.every(isUp => isUp);
  }

  /** Stops the services and then their sidecars, since a service that shuts down may still call others. Removes all files. */
  async close(): Promise<void> {
    await Promise.all(this.services.map(child => child.kill('SIGTERM')));
    await Promise.all(this.sidecars.map(child => child.kill('SIGTERM')));
    await this.leash.close();
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
      args: [...this.sidecarCommand, '--config', configFile],
      env: {},
      cwd: this.folder,
      logFile: join(this.folder, 'logs', `${plan.name}.sidecar.log`),
      readyUrl: `${adminUrl(plan)}/readyz`,
    };
  }
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
