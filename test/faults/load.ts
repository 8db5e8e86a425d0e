import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nextMessage, startProcess, stopProcess } from '../bench/child-processes.ts';
import type { FromLoad, LoadOrder, LoadReport, Pace, ToLoad } from './load-order.ts';

const NAME = 'the load process';

/** The process with the callers, as `npm run faults` sees it. One order at a time. */
export class Load {
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.child = child;
  }

  static async start(): Promise<Load> {
    const script = fileURLToPath(new URL('./load-process.ts', import.meta.url));
    // The runtime's own arguments carry the loader that lets it run TypeScript.
    const command = { program: process.execPath, args: [...process.execArgv, script] };
    const child = startProcess(command, ['ignore', 'ignore', 'inherit', 'ipc']);
    await nextMessage<FromLoad>(child, NAME);
    return new Load(child);
  }

  async begin(order: LoadOrder): Promise<void> {
    await this.ask({ kind: 'begin', order });
  }

  async change(pace: Pace): Promise<void> {
    await this.ask({ kind: 'pace', pace });
  }

  /** Sends nothing more, and waits for the answers. */
  async end(): Promise<LoadReport> {
    const answer = await this.ask({ kind: 'end' });
    if (answer.kind !== 'report') throw new Error('the load process spoke out of turn');
    return answer.report;
  }

  stop(): Promise<void> {
    return stopProcess(this.child, 1000);
  }

  private async ask(message: ToLoad): Promise<FromLoad> {
    const answer = nextMessage<FromLoad>(this.child, NAME);
    this.child.send(message);
    return await answer;
  }
}
