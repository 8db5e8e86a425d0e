/**
 * The Docker engine that the tests of what is deployed use: the one that OUTRIDER_TEST_DOCKER_HOST names (`.ci/run` starts one of
 * its own), else the one that `docker` finds. Where there is none, they are skipped, and say why.
 */
import { execFile, spawnSync } from 'node:child_process';

/** Longer than anything takes, even on a machine that is short of time. */
const COMMAND_MS = 240_000;

export interface EngineEnvironment {
  readonly [name: string]: string | undefined;
}

/** An engine that answers. */
export interface Engine {
  /** For processes that call it. */
  readonly environment: EngineEnvironment;
  /** `docker compose`, or `docker-compose` where that is what there is. */
  readonly compose: readonly string[];
}

/** @returns why there is none, where that is so */
export function findEngine(): Engine | string {
  const { OUTRIDER_TEST_DOCKER_HOST: host, ...rest } = process.env;
  const environment = host === undefined ? rest : { ...rest, DOCKER_HOST: host };
  const ask = (...[program = '', ...args]: string[]) =>
    spawnSync(program, args, { env: environment, encoding: 'utf8', timeout: 20_000 });
  const info = ask('docker', 'info', '--format', '{{.OSType}}/{{.ServerVersion}}');
  if (info.error) return `there is no Docker: ${info.error.message}`;
  if (info.status !== 0) return `no Docker engine answers: ${info.stderr.trim().split('\n').at(-1)}`;
  if (!info.stdout.startsWith('linux/'))
    return `the Docker engine is not one for Linux: ${info.stdout.trim()}`;
  const compose = [['docker', 'compose'], ['docker-compose']].find(
    command => ask(...command, 'version').status === 0,
  );
  return compose === undefined
    ? 'there is neither docker compose nor docker-compose'
    : { environment, compose };
}

/**
 * Runs a program to its end.
 * @param input for its standard input
 * @returns its standard output
 * @throws Error with all that it printed, where it fails
 */
export function run(
  [program = '', ...args]: readonly string[],
  options: { readonly env: EngineEnvironment; readonly cwd?: string },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const limits = { timeout: COMMAND_MS, maxBuffer: 64 * 1024 * 1024 };
    execFile(program, args, { ...options, ...limits }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${[program, ...args].join(' ')}: ${error.message}\n${stdout}${stderr}`));
    });
  });
}
