import { get } from 'node:http';
import { connect } from 'node:net';
import type { AppHealthConfig } from '../config/sidecar-config.ts';

/** Where the application listens. The sidecar stands beside it: on the same host, or in the same network namespace. */
const APP_HOST = '127.0.0.1';

/**
 * Looks once whether the application is healthy: a GET that has to be answered with 2xx, or a connection that has to come up.
 * @returns null where it is, else why not, completing "the application …"
 */
export function checkApp(port: number, health: AppHealthConfig, host = APP_HOST): Promise<string | null> {
  const { path, timeout } = health;
  return path === null ? checkTcp(host, port, timeout) : checkHttp(host, port, path, timeout);
}

function checkHttp(host: string, port: number, path: string, timeoutMs: number): Promise<string | null> {
  return new Promise(resolve => {
    const signal = AbortSignal.timeout(timeoutMs);
    const request = get({ host, port, path, agent: false, signal }, answer => {
      const status = answer.statusCode ?? 0;
      // The rest of the answer is of no interest, and may never end.
      answer.on('error', () => {});
      request.destroy();
      resolve(status >= 200 && status < 300 ? null : `answers ${status} to GET ${path}`);
    });
    request.on('error', error => resolve(describe(error, port, timeoutMs)));
  });
}

function checkTcp(host: string, port: number, timeoutMs: number): Promise<string | null> {
  return new Promise(resolve => {
    const socket = connect({ host, port, signal: AbortSignal.timeout(timeoutMs) });
    socket.once('connect', () => {
      socket.destroy();
      resolve(null);
    });
    socket.on('error', error => resolve(describe(error, port, timeoutMs)));
  });
}

function describe(error: NodeJS.ErrnoException, port: number, timeoutMs: number): string {
  if (error.name === 'AbortError') return `does not answer on port ${port} within ${timeoutMs} ms`;
  if (error.code === 'ECONNREFUSED') return `does not listen on port ${port}`;
  return `can not be reached on port ${port}: ${error.message}`;
}
