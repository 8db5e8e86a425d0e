import { get } from 'node:http';
import { connect } from 'node:net';
import type { AppHealthConfig } from '../config/sidecar-config.ts';

/** Where the application listens. The sidecar stands beside it: on the same host, or in the same network namespace. */
const APP_HOST = '127.0.0.1';

/**
 * Looks once whether the application is healthy: a GET that has to be answered with 2xx, or a connection that has to come up.
 * @param ending breaks the look off
 * @returns null where it is, else why not, completing "the application …"
 */
export function checkApp(
  port: number,
  { path, timeout }: AppHealthConfig,
  ending: AbortSignal,
  host = APP_HOST,
): Promise<string | null> {
  return new Promise(resolve => {
    const finish = (problem: string | null): void => {
      clearTimeout(timer);
      ending.removeEventListener('abort', onEnding);
      probe.destroy();
      resolve(problem);
    };
    const onEnding = () => finish('is not looked at any more');
    const timer = setTimeout(() => finish(`does not answer on port ${port} within ${timeout} ms`), timeout);
    const probe = path === null ? probeTcp(host, port, finish) : probeHttp(host, port, path, finish);
    probe.on('error', error => finish(describe(error, port)));
    ending.addEventListener('abort', onEnding);
    if (ending.aborted) onEnding();
  });
}

type Finish = (problem: string | null) => void;

function probeHttp(host: string, port: number, path: string, finish: Finish) {
  return get({ host, port, path, agent: false }, answer => {
    const status = answer.statusCode ?? 0;
    // The rest of the answer is of no interest, and may never end.
    answer.on('error', () => {});
    finish(status >= 200 && status < 300 ? null : `answers ${status} to GET ${path}`);
  });
}

function probeTcp(host: string, port: number, finish: Finish) {
  return connect({ host, port }).once('connect', () => finish(null));
}

function describe(error: NodeJS.ErrnoException, port: number): string {
  if (error.code === 'ECONNREFUSED') return `does not listen on port ${port}`;
  return `can not be reached on port ${port}: ${error.message}`;
}
