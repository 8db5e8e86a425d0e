import type { Program } from '../process/program.ts';
import {
  type ApplicationCommand,
  type ApplicationEnd,
  ApplicationProcess,
} from './application/application-process.ts';
import { type Step, StopOrder } from './application/stop-order.ts';

/** What a wrapper needs of the process and of the sidecar in it, which is ready. */
interface WrapperContext {
  readonly program: Pick<Program, 'log' | 'stopSignal' | 'insistBy'>;
  readonly sidecar: {
    /** How long the application may take to stop, in ms. */
    readonly grace: number;
    /** Takes the instance out of use. Resolves in any case. */
    drain(): Promise<void>;
  };
  /** Lets the sidecar carry what is under way to its end, for `grace` ms at most, and deregister the instance. */
  stop(grace: number): Promise<void>;
}

/** How long the sidecar may take after an application that has used up its time, in ms. */
const LAST_GRACE_MS = 1000;

/** What tells a wrapper to stop; the application is told by the same. */
export const STOPPING_SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGQUIT'];
/** What is for the application alone. */
const FORWARDED_SIGNALS: readonly NodeJS.Signals[] = ['SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'];

/** Runs the application beside a sidecar that is ready, until both have ended. @returns the application's exit code */
export function wrapApplication(command: ApplicationCommand, context: WrapperContext): Promise<number> {
  return new Wrapper(command, context).ended;
}

/** Does what {@link StopOrder} says. */
class Wrapper {
  readonly ended: Promise<number>;
  private readonly context: WrapperContext;
  private readonly order = new StopOrder();
  private readonly application: ApplicationProcess;
  private graceTimer: NodeJS.Timeout | undefined;
  /** Monotonic ms at which the application was told to stop; null before. */
  private toldAt: number | null = null;
  private finish: (code: number) => void = () => {};

  constructor(command: ApplicationCommand, context: WrapperContext) {
    this.context = context;
    const { log, stopSignal } = context.program;
    this.ended = new Promise(resolve => {
      this.finish = resolve;
    });
    if (process.pid === 1) log.info({}, FIRST_PROCESS);
    this.application = new ApplicationProcess(command, context.sidecar.grace);
    const { pid } = this.application;
    if (pid !== null) log.info({ pid }, `the application is started: ${command[0]}`);
    for (const signal of FORWARDED_SIGNALS) process.on(signal, () => this.send(signal));
    context.program.insistBy(() => this.take(this.order.onSecondSignal()));
    void stopSignal.then(signal => {
      log.info({ signal }, 'stops: callers leave the application, then it is told to stop');
      this.take(this.order.onSignal(signal));
    });
    void this.application.ended.then(end => this.onEnded(end));
  }

  private onEnded({ code, how, wasStarted }: ApplicationEnd): void {
    const { log } = this.context.program;
    clearTimeout(this.graceTimer);
    const message = `the application ${how}`;
    if (!wasStarted) log.error({ code }, message);
    else if (code !== 0 && !this.order.isStopping) log.warn({ code }, message);
    else log.info({ code }, message);
    this.take(this.order.onEnded(code));
  }

  private take(step: Step | null): void {
    const { program, sidecar, stop } = this.context;
    switch (step?.kind) {
      case 'drain':
        void sidecar.drain().then(() => this.take(this.order.onDrained()));
        break;
      case 'tell':
        this.tell(step.signal);
        break;
      case 'kill':
        if (step.why === 'second signal')
          program.log.warn({}, 'a second signal: the application is killed, and the sidecar ends at once');
        this.warnOf(this.application.kill(), 'SIGKILL');
        break;
      case 'stop-sidecar':
        void stop(this.graceLeft(sidecar.grace)).then(() => this.take(this.order.onSidecarStopped()));
        break;
      case 'end':
        this.finish(step.code);
        break;
    }
  }

  private tell(signal: NodeJS.Signals): void {
    const { log } = this.context.program;
    const { grace } = this.context.sidecar;
    log.info({ pid: this.application.pid, signal }, 'the application is told to stop');
    this.toldAt = performance.now();
    this.send(signal);
    this.graceTimer = setTimeout(() => {
      log.warn(
        { pid: this.application.pid },
        `the application has not ended within ${grace} ms (stop.grace) of ${signal}: it is killed`,
      );
      this.take(this.order.onGraceOver());
    }, grace);
  }

  /** The application and then the sidecar share one `stop.grace`, so that whoever stops both knows how long that takes. */
  private graceLeft(grace: number): number {
    if (this.toldAt === null) return grace;
    return Math.min(grace, Math.max(LAST_GRACE_MS, grace - (performance.now() - this.toldAt)));
  }

  private send(signal: NodeJS.Signals): void {
    this.warnOf(this.application.send(signal), signal);
  }

  private warnOf(problem: string | null, signal: NodeJS.Signals): void {
    if (problem !== null)
      this.context.program.log.warn({ signal }, `the application can not be sent ${signal}: ${problem}`);
  }
}

const FIRST_PROCESS =
  "runs as its container's first process: what the application leaves behind when it ends is not reaped; the engine's own init does that (init: true in compose, docker run --init)";
