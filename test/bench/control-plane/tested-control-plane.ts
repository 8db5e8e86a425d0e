import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { SIDECAR_HEADER } from '../../../control-plane/contract/watch-messages.ts';
import { type Command, startProcess } from '../child-processes.ts';
import { type Pinning, pinned } from '../pinning.ts';

/** What the control plane's API answered. */
export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
}

/** The control plane that is measured: a process of its own on a port that stays the same. */
export class TestedControlPlane {
  readonly url: string;
  private readonly command: Command;
  private readonly pinning: Pinning | null;
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });
  private child: ChildProcess | null = null;

  /** @param program the runtime and the bundle */
  constructor(program: readonly string[], port: number, data: string, pinning: Pinning | null) {
    this.url = `http://127.0.0.1:${port}`;
    const [runtime, ...bundle] = program;
    const listen = `127.0.0.1:${port}`;
    // All calls come from one address here; in a mesh, each sidecar has its own.
    const args = ['control-plane', '--listen', listen, '--data', data, '--rate-limit', '1000000'];
    this.command = { program: runtime, args: [...bundle, ...args] };
    this.pinning = pinning;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Starts it. @returns how long it took until it served, in ms */
  async start(): Promise<number> {
    const startedAt = performance.now();
    const child = startProcess(pinned(this.command, this.pinning, 'proxyCore'), ['ignore', 'ignore', 'pipe']);
    this.child = child;
    let said = '';
    child.stderr?.on('data', chunk => {
      said = `${said}${chunk}`.slice(-4000);
    });
    for (;;) {
      if (child.exitCode !== null) throw new Error(`the control plane has ended: ${said}`);
      const answer = await this.call('GET', '/readyz').catch(() => null);
      if (answer?.status === 200) return performance.now() - startedAt;
      await new Promise(resolve => setTimeout(resolve, 2));
    }
  }

  /** Ends it without a word. */
  async kill(): Promise<void> {
    const { child } = this;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** @param sidecar who calls; null: an operator */
  call(
    method: string,
    path: string,
    body: object | null = null,
    sidecar: string | null = null,
  ): Promise<ApiAnswer> {
    const content = body === null ? '' : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const sent = request(`${this.url}${path}`, {
        method,
        agent: this.agent,
        headers: {
          'content-length': Buffer.byteLength(content),
          ...(body === null ? {} : { 'content-type': 'application/json' }),
          ...(sidecar === null ? {} : { [SIDECAR_HEADER]: sidecar }),
        },
      });
      sent.on('error', reject);
      sent.on('response', answer => {
        let text = '';
        answer.setEncoding('utf8').on('data', chunk => {
          text += chunk;
        });
        answer.on('error', reject);
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      });
      sent.end(content);
    });
  }

  /** How long its main thread was ready to run and something else had the core, in µs; null where that is not told. */
  waitedUs(): number | null {
    try {
      return Number(readFileSync(`/proc/${this.pid}/schedstat`, 'latin1').split(' ')[1]) / 1000;
    } catch {
      return null;
    }
  }

  /** The most memory that it had resident so far, in bytes; null where there is no /proc. */
  peakBytes(): number | null {
    try {
      const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'latin1'));
      return match === null ? null : Number(match[1]) * 1024;
    } catch {
      return null;
    }
  }
}
