import { request } from 'node:http';
import type { Socket } from 'node:net';
import { LineSplitter } from '../../control-plane/contract/line-splitter.ts';
import {
  SIDECAR_HEADER,
  type SidecarMessage,
  WATCH_PROTOCOL,
  type WatchMessage,
} from '../../control-plane/contract/watch-messages.ts';

/** A sidecar as far as the watch sees one. */
export class Watcher {
  readonly messages: WatchMessage[] = [];
  isClosed = false;
  private readonly socket: Socket;
  private readonly listeners = new Set<() => void>();

  /** @throws Error with the answer's status and text where the control plane does not switch */
  static async open(
    url: string,
    sidecar: string,
    services: readonly string[],
    more: {
      readonly headers?: Record<string, string>;
      readonly known?: { epoch: string; revision: number };
    } = {},
  ): Promise<Watcher> {
    const socket = await upgrade(url, { [SIDECAR_HEADER]: sidecar, ...more.headers });
    const watcher = new Watcher(socket);
    const known = more.known ?? null;
    watcher.say({
      type: 'hello',
      sidecar,
      service: 'caller',
      instance: sidecar,
      version: '1',
      known,
      services,
    });
    return watcher;
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    const splitter = new LineSplitter(1024 * 1024);
    socket.on('data', chunk => {
      for (const line of splitter.push(chunk) ?? []) this.messages.push(JSON.parse(line));
      for (const listener of [...this.listeners]) listener();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
      for (const listener of [...this.listeners]) listener();
    });
  }

  say(message: SidecarMessage): void {
    this.socket.write(`${JSON.stringify(message)}\n`);
  }

  /** Says all that was heard was applied. */
  acknowledge(): void {
    const revisions = this.messages.map(message => ('revision' in message ? message.revision : 0));
    this.say({ type: 'applied', revision: Math.max(...revisions) });
  }

  /** Waits for a message, also among those that have come already. */
  async heard<M extends WatchMessage>(is: (message: WatchMessage) => message is M): Promise<M>;
  async heard(is: (message: WatchMessage) => boolean): Promise<WatchMessage>;
  async heard(is: (message: WatchMessage) => boolean): Promise<WatchMessage> {
    for (;;) {
      const found = this.messages.find(is);
      if (found !== undefined) return found;
      if (this.isClosed) throw new Error(`closed after ${JSON.stringify(this.messages)}`);
      await this.news();
    }
  }

  async closed(): Promise<void> {
    while (!this.isClosed) await this.news();
  }

  /** As a process that ends does. */
  close(): void {
    this.socket.destroy();
  }

  /** Says the last word, but goes on reading. */
  end(): void {
    this.socket.end();
  }

  private news(): Promise<void> {
    return new Promise(resolve => {
      const listener = () => {
        this.listeners.delete(listener);
        resolve();
      };
      this.listeners.add(listener);
    });
  }
}

/** Asks for the watch. @throws Error with the answer's status and text where it is refused */
export function upgrade(url: string, headers: Record<string, string>, path = '/v1/watch'): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, {
      agent: false,
      headers: { connection: 'Upgrade', upgrade: WATCH_PROTOCOL, ...headers },
    });
    sent.on('upgrade', (_answer, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket as Socket);
    });
    sent.on('response', answer => {
      let text = '';
      answer.setEncoding('utf8').on('data', chunk => {
        text += chunk;
      });
      answer.on('end', () => reject(new Error(`${answer.statusCode} ${text}`)));
    });
    sent.on('error', reject);
    sent.end();
  });
}
