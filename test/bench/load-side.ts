import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nextMessage, startProcess, stopProcess } from './child-processes.ts';
import type { LoadPlan, LoadResult } from './load-plan.ts';
import type { FromLoadProcess } from './load-process.ts';
import { type Pinning, pinned } from './pinning.ts';

const NAME = 'the load process';

/** The process with the endpoints and the load generator, as the bench sees it. */
export class LoadSide {
  /** The ports of the endpoints. */
  readonly upstreams: readonly number[];
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, upstreams: readonly number[]) {
    this.child = child;
    this.upstreams = upstreams;
  }

  static async start(pinning: Pinning | null): Promise<LoadSide> {
    const script = fileURLToPath(new URL('./load-process.ts', import.meta.url));
    // The runtime's own arguments carry the loader that lets it run TypeScript.
    const command = { program: process.execPath, args: [...process.execArgv, script] };
    const child = startProcess(pinned(command, pinning, 'loadCore'), ['ignore', 'ignore', 'inherit', 'ipc']);
    const message = await nextMessage<FromLoadProcess>(child, NAME);
    if (message.kind !== 'ready') throw new Error('the load process did not start');
    return new LoadSide(child, message.upstreams);
  }

  /** Carries out a plan. One at a time. */
  async run(plan: LoadPlan): Promise<LoadResult> {
    const answer = nextMessage<FromLoadProcess>(this.child, NAME);
    this.child.send(plan);
    const message = await answer;
    if (message.kind === 'result') return message.result;
    throw new Error(message.kind === 'failed' ? message.reason : 'the load process spoke out of turn');
  }

  stop(): Promise<void> {
    return stopProcess(this.child, 1000);
  }
}
