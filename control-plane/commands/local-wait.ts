import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { calledLocally, formatHostPort, parseHostPort } from '../contract/host-port.ts';

const SIDECAR_ADDRESS = '127.0.0.1:15000';
const CONTROL_PLANE_ADDRESS = '127.0.0.1:7600';
const RETRY_MS = 250;
/** How long an answer may take. */
const ANSWER_MS = 5000;

/** Where on this machine a sidecar tells whether it is ready, and where a control plane does. */
export function localUrls(environment: Readonly<Record<string, string | undefined>>): string[] {
  const { OUTRIDER_ADMIN, OUTRIDER_CONTROL_PLANE_LISTEN } = environment;
  return [
    readyUrl(OUTRIDER_ADMIN || SIDECAR_ADDRESS),
    readyUrl(OUTRIDER_CONTROL_PLANE_LISTEN || CONTROL_PLANE_ADDRESS),
  ].flatMap(url => (url === null ? [] : [url]));
}

/** @returns null for what is no address, such as off */
function readyUrl(listen: string): string | null {
  const address = parseHostPort(listen);
  return address === null ? null : `http://${formatHostPort(calledLocally(address))}/readyz`;
}

/** Waits until a sidecar or a control plane says that it is ready, whichever is there. */
export class LocalWait {
  private readonly urls: readonly string[];
  /** Why it is not ready, from the one that answers. */
  private notReady: string | null = null;

  constructor(urls: readonly string[]) {
    this.urls = urls;
  }

  /** @returns false where the signal came first */
  async run(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const answers = await Promise.all(this.urls.map(url => this.isReady(url, signal)));
      if (answers.includes(true)) return true;
      await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
    }
    return false;
  }

  describeMissing(): string {
    return this.notReady ?? `Nothing that is ready answers at ${this.urls.join(' or ')}.`;
  }

  private async isReady(url: string, signal: AbortSignal): Promise<boolean> {
    try {
      const answer = await ask(url, AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]));
      const body = await text(answer);
      const isReady = answer.statusCode === 200;
      if (!isReady) this.notReady = `${url} answers ${answer.statusCode}: ${body.trim()}`;
      return isReady;
    } catch {
      return false;
    }
  }
}

/** Not by `fetch`: where the application has its sidecar as HTTP_PROXY, that would ask it too (NODE_USE_ENV_PROXY). */
function ask(url: string, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false, signal }, resolve).on('error', reject);
  });
}
