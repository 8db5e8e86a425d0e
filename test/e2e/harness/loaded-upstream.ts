import { after, afterEach, before } from 'node:test';
import { FaultyApp } from './faulty-app.ts';
import { SidecarProcess } from './sidecar-process.ts';
import { SteadyLoad } from './steady-load.ts';
import { until } from './until.ts';

/**
 * An upstream `svc` of three faulty apps, with a sidecar before it and a steady load on that: the apps for the `describe` that makes
 * it, sidecar and load for each test that begins them.
 */
export class LoadedUpstream {
  readonly apps: FaultyApp[] = [];
  sidecar!: SidecarProcess;
  load!: SteadyLoad;

  constructor() {
    before(async () => {
      for (const name of ['a', 'b', 'c']) this.apps.push(await FaultyApp.start(name));
    });
    afterEach(async () => {
      for (const app of this.apps) {
        app.thaw();
        await app.become('ok');
      }
      await this.load?.stop();
      await this.sidecar?.kill();
    });
    after(async () => {
      for (const app of this.apps) await app.kill();
    });
  }

  /** A sidecar file with `svc` at some of the apps. */
  fileOf(apps: readonly FaultyApp[], policy: Readonly<Record<string, unknown>> = {}) {
    const endpoints = apps.map(({ address }) => address);
    return { upstreams: { svc: { endpoints, policy } } };
  }

  /** Starts the sidecar, and the load as soon as it is ready. */
  async begin(file: Readonly<Record<string, unknown>>, perSecond: number): Promise<void> {
    this.sidecar = await SidecarProcess.start({ file });
    this.load = new SteadyLoad({ port: this.sidecar.port, perSecond });
    await until(() => this.load.answered > 1.5 * perSecond, 'a while of good answers');
  }
}
