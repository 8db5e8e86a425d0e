import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { closedPort } from './closed-port.ts';
import { within } from './until.ts';

const PROGRAM = fileURLToPath(new URL('named-app.js', import.meta.url));

/** An instance's application as a process. It answers `SERVICE/ID METHOD PATH`. */
export class MeshApp {
  readonly service: string;
  readonly id: string;
  readonly port: number;
  private readonly child: ChildProcess;
  private readonly exited: Promise<unknown>;

  /** @param port any that is free where none is given */
  static async start(service: string, id: string, port?: number): Promise<MeshApp> {
    const app = new MeshApp(service, id, port ?? (await closedPort()));
    await within(
      Promise.race([
        once(app.child.stdout!, 'data'),
        app.exited.then(() => Promise.reject(new Error(`${service}/${id} ended`))),
      ]),
      `${service}/${id} listening`,
    );
    return app;
  }

  private constructor(service: string, id: string, port: number) {
    this.service = service;
    this.id = id;
    this.port = port;
    const stdio = ['pipe', 'pipe', 'inherit'] as const;
    this.child = spawn(process.execPath, [PROGRAM, `${service}/${id}`, String(port)], { stdio: [...stdio] });
    this.exited = once(this.child, 'exit');
  }

  /** Lets it answer what it has been asked. */
  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    await within(this.exited, `the end of ${this.service}/${this.id}`);
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}
