import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { endsWithTests } from './ends-with-tests.ts';

const SERVER = `
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: process.argv[1], backlog: 1 }, () => console.log(server.address().port));
`;

/**
 * An address that neither takes nor refuses connections, as behind a firewall that drops packets: a listening process that
 * is stopped, with its queue full.
 */
export class FullBacklog {
  readonly port: number;
  private readonly child: ChildProcess;
  private readonly fillers: readonly Socket[];

  /** @param host a loopback address */
  static async start(host = '127.0.0.1'): Promise<FullBacklog> {
    const child = spawn(process.execPath, ['-e', SERVER, host], { stdio: ['ignore', 'pipe', 'inherit'] });
    endsWithTests(child);
    const [announced] = await once(child.stdout, 'data');
    const port = Number(String(announced));
    child.kill('SIGSTOP');
    const fillers: Socket[] = [];
    for (let isFull = false; !isFull; ) {
      const filler = connect(port, host).on('error', () => {});
      fillers.push(filler);
      isFull = await Promise.race([once(filler, 'connect').then(() => false), sleep(150, true)]);
    }
    return new FullBacklog(port, child, fillers);
  }

  private constructor(port: number, child: ChildProcess, fillers: readonly Socket[]) {
    this.port = port;
    this.child = child;
    this.fillers = fillers;
  }

  async stop(): Promise<void> {
    for (const filler of this.fillers) filler.destroy();
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}
