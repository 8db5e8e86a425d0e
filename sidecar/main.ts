import { formatProblemsWithExcerpts } from '../control-plane/contract/excerpt.ts';
import {
  firstProblems,
  formatFirstProblems,
  formatProblem,
  type Problem,
} from '../control-plane/contract/problem.ts';
import type { LoadedFile } from '../control-plane/contract/source-file.ts';
import { ListenError } from '../process/listen-error.ts';
import type { Log, LogLevel } from '../process/log.ts';
import { LogDestination } from '../process/log-destination.ts';
import { Program } from '../process/program.ts';
import { ConfigReloader } from '../process/reload.ts';
import type { ApplicationCommand } from './application/application-process.ts';
import type { SidecarConfig } from './config/sidecar-config.ts';
import { boundRuntimeMemory } from './io/runtime-memory.ts';
import { type ConfigRequest, loadRequested, readRequestedConfig } from './requested-config.ts';
import { STOPPING_SIGNALS, wrapApplication } from './wrapper.ts';

/** What `outrider sidecar` or `outrider run` was asked to do. */
export interface SidecarOptions extends ConfigRequest {
  /** The application to run beside the sidecar; null: it runs already. */
  readonly command: ApplicationCommand | null;
  readonly logLevel: LogLevel;
  readonly version: string;
  /** Writes what is wrong with the configuration to standard error. */
  readonly complain: (text: string) => void;
}

/** A sidecar that runs, as this file needs it. */
interface RunningSidecar {
  /** Exchanges under way. */
  readonly inFlight: number;
  /** Rejects when the configuration can't be applied; then what was in force stays. */
  apply(config: SidecarConfig): Promise<void>;
  /** Null: nothing is refused any more. */
  noteRefused(reason: string | null): void;
  /** How long a stop waits at most, in ms. */
  readonly grace: number;
  /** Takes the instance out of use; what the application calls is carried on. Resolves in any case. */
  drain(): Promise<void>;
  /** Carries what is under way to its end. @param grace how long at most, in ms; as configured where it is not said */
  stop(grace?: number): Promise<void>;
}

type StartSidecar = (
  config: SidecarConfig,
  context: { readonly log: Log; readonly version: string; readonly accessLog: LogDestination },
) => Promise<RunningSidecar>;

/** Bytes of the access log that may wait for a slow reader. */
const ACCESS_LOG_WAITING = 4 * 1024 * 1024;
/** How long the reader of the access log may take for the last lines. */
const LAST_LINES_MS = 1000;

/** Runs a sidecar until a signal stops it, or until the application that it runs has ended. @returns the exit code */
export async function runSidecar(options: SidecarOptions, start: StartSidecar): Promise<number> {
  const requested = await readRequestedConfig(options);
  if (typeof requested === 'string') {
    options.complain(`${requested}\n`);
    return 2;
  }
  const { path, file, loaded } = requested;
  if (loaded.value === null) {
    options.complain(formatProblemsWithExcerpts(loaded.problems, loaded.lines));
    return 2;
  }

  const { command } = options;
  const program = new Program('sidecar', options.logLevel, command === null ? undefined : STOPPING_SIGNALS);
  const { log } = program;
  // Standard output belongs to the application, where there is one.
  const accessLog =
    command === null ? new LogDestination({ fd: 1, maxWaiting: ACCESS_LOG_WAITING }) : program.logDestination;
  const withWhat = path === null ? 'without a file' : `with ${path}`;
  const once = file === null || file.isFile ? '' : ', which is no file: it is read this once';
  log.info({ version: options.version, config: path }, `starts ${withWhat}${once}`);
  warnOf(loaded.problems, log);
  let sidecar: RunningSidecar;
  try {
    sidecar = await start(loaded.value, { log, version: options.version, accessLog });
  } catch (error) {
    log.error({}, error instanceof ListenError ? error.message : `can not start: ${messageOf(error)}`);
    await accessLog.close(LAST_LINES_MS);
    return await program.end(1);
  }
  boundRuntimeMemory(() => sidecar.inFlight);

  const load = (bytes: Uint8Array) => loadRequested(options, path ?? '', bytes);
  const reloader = path !== null && file?.isFile ? watch(path, file.bytes, load, sidecar, log) : null;
  const stop = async (grace?: number): Promise<void> => {
    await reloader?.stop();
    await sidecar.stop(grace);
  };
  let code = 0;
  if (command === null) {
    program.reloadBy(() => {
      if (reloader === null) log.warn({}, `SIGHUP: ${path ?? 'there'} is no file to load again`);
      else void reloader.reload();
    });
    const signal = await program.stopSignal;
    log.info({ signal }, 'stops: carries what is under way to its end');
    await stop();
  } else {
    code = await wrapApplication(command, { program, sidecar, stop });
  }
  log.info({}, 'stopped');
  await accessLog.close(LAST_LINES_MS);
  return await program.end(code);
}

function watch(
  path: string,
  current: Uint8Array,
  load: (bytes: Uint8Array) => Promise<LoadedFile<SidecarConfig>>,
  sidecar: RunningSidecar,
  log: Log,
): ConfigReloader<SidecarConfig> {
  const reloader = new ConfigReloader({
    path,
    current,
    load,
    listener: {
      async onConfig(config, warnings) {
        await sidecar.apply(config);
        log.info({ config: path }, `${path} has changed and is in force`);
        warnOf(warnings, log);
      },
      onUnchanged() {
        log.info({ config: path }, `${path} has not changed, what was in force stays`);
        sidecar.noteRefused(null);
      },
      onRefused(problems) {
        const reasons = formatFirstProblems(problems.filter(({ severity }) => severity === 'error'));
        log.error(
          { config: path, problems: reasons },
          `${path} is refused, what was in force stays: ${reasons[0]}`,
        );
        sidecar.noteRefused(reasons.join('\n'));
      },
    },
  });
  reloader.start();
  return reloader;
}

function warnOf(problems: readonly Problem[], log: Log): void {
  const { first, more } = firstProblems(problems);
  for (const warning of first) log.warn({ key: warning.key }, formatProblem(warning));
  if (more !== null) log.warn({}, `${more} warnings`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
