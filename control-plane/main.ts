import { ListenError } from '../process/listen-error.ts';
import type { Log } from '../process/log.ts';
import { OnceInAWhile } from '../process/once-in-a-while.ts';
import { Program } from '../process/program.ts';
import type { Tokens } from './api/access-control.ts';
import type { Environment } from './contract/environment.ts';
import type { HostPort } from './contract/host-port.ts';
import { formatProblem } from './contract/problem.ts';
import { ControlPlane } from './control-plane.ts';
import { MeshFileSource } from './mesh-file-source.ts';
import { DirectoryLock } from './store/directory-lock.ts';
import { EmbeddedStore } from './store/embedded-store.ts';
import { MemoryStore } from './store/memory-store.ts';
import { type Store, StoreError } from './store/store.ts';

/** What `outrider control-plane` was asked to do. */
interface ControlPlaneProgramOptions {
  readonly listen: HostPort;
  /** A directory, or `memory`. */
  readonly data: string;
  readonly meshFile: string | null;
  readonly tokens: Tokens;
  /** Calls a second that one address may make. */
  readonly callsPerSecond: number;
  /** Connections to the API in all. */
  readonly connections: number;
  readonly environment: Environment;
  /** What is probably wrong with the environment. */
  readonly warnings: readonly { readonly variable: string; readonly message: string }[];
  readonly version: string;
  /** Writes what is wrong with the mesh file to standard error. */
  readonly complain: (text: string) => void;
}

/** Runs the control plane until a signal ends it. @returns the exit code */
export async function runControlPlane(options: ControlPlaneProgramOptions): Promise<number> {
  const { meshFile, environment, complain } = options;
  const mesh = meshFile === null ? null : await MeshFileSource.open(meshFile, environment, complain);
  if (meshFile !== null && mesh === null) return 2;

  const program = new Program('control-plane', 'info');
  const { log } = program;
  for (const { variable, message } of options.warnings) log.warn({ variable }, `${variable}: ${message}`);
  for (const warning of mesh?.warnings ?? []) log.warn({ key: warning.key }, formatProblem(warning));
  let lock: DirectoryLock | null = null;
  let controlPlane: ControlPlane;
  try {
    if (options.data !== 'memory') lock = await DirectoryLock.take(options.data);
    if (lock !== null && lock.notice !== null) log.warn({}, lock.notice);
    controlPlane = await ControlPlane.start({
      listen: options.listen,
      tokens: options.tokens,
      rateLimit: { perSecond: options.callsPerSecond, burst: BURST_SECONDS * options.callsPerSecond },
      connections: options.connections,
      store: await openStore(options.data),
      services: mesh?.policies ?? {},
      onNotice: text => log.warn({}, text),
      onKeeping(failure) {
        if (failure === null) log.info({}, 'changes are kept again');
        else log.error({}, `changes can not be kept: ${failure.message}`);
      },
      version: options.version,
      onError: (error, path) => log.error({ err: error, path }, 'the API could not answer'),
      onConnectionRefused: tellOfRefused(options.connections, log),
    });
  } catch (error) {
    log.error({}, explainStartFailure(error));
    await lock?.release();
    return await program.end(1);
  }
  const { url, address } = controlPlane;
  log.info({ url, api: address, data: options.data, version: options.version }, 'ready');
  if (options.data === 'memory') log.warn({}, 'nothing is kept on disk: the next start knows of nothing');
  mesh?.follow(controlPlane.meshPolicies, log);
  program.reloadBy(() => {
    if (mesh?.reload() !== true) log.warn({}, 'SIGHUP: there is no mesh file to load again');
  });
  const signal = await program.stopSignal;
  log.info({ signal }, 'stops');
  await mesh?.stop();
  try {
    await controlPlane.stop();
  } catch (error) {
    log.error({}, `what changed last could not be kept: ${(error as Error).message}`);
    return await program.end(1);
  } finally {
    await lock?.release();
  }
  log.info({}, 'stopped');
  return await program.end(0);
}

/** Tells of connections beyond the limit, once in a while. */
function tellOfRefused(connections: number, log: Log): () => void {
  let refused = 0;
  const telling = new OnceInAWhile();
  return () => {
    refused++;
    if (!telling.isDue()) return;
    log.warn(
      { refused },
      `the API has ${connections} connections open (--connections): further ones are closed at once`,
    );
  };
}

/** Calls that may come at once are those of so many seconds: a mesh that starts together, or comes back together. */
const BURST_SECONDS = 5;

async function openStore(data: string): Promise<Store> {
  return data === 'memory' ? new MemoryStore() : await EmbeddedStore.open(data);
}

/** One line that says what to do. */
function explainStartFailure(error: unknown): string {
  if (error instanceof StoreError) return `can not open the store: ${error.message}`;
  if (error instanceof ListenError) return error.message;
  return `can not start: ${error instanceof Error ? error.message : String(error)}`;
}
