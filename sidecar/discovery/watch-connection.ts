import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { LineSplitter } from '../../control-plane/contract/line-splitter.ts';
import { readJson, UnknownKind } from '../../control-plane/contract/shape.ts';
import {
  SIDECAR_HEADER,
  type SidecarMessage,
  WATCH_HEARTBEAT_MS,
  WATCH_LINE_LIMIT,
  WATCH_MESSAGE,
  WATCH_PROTOCOL,
  type WatchMessage,
} from '../../control-plane/contract/watch-messages.ts';
import { hostLookup } from '../io/host-lookup.ts';
import { requestTo } from '../io/request-to.ts';
import { type ControlPlaneTarget, explainAnswer } from './control-plane-api.ts';

export interface WatchConnectionOwner {
  /** The control plane speaks the watch from here on. */
  onOpen(): void;
  /** What came together, in order. */
  onMessages(messages: readonly WatchMessage[]): void;
  /** It is over; called once, with a reason that completes "the control plane …". */
  onClosed(reason: string): void;
}

/** How long the control plane may take to switch to the watch. */
const OPEN_MS = 5000;
/** What may wait to be read by the control plane, in bytes. */
const MAX_WAITING = 1024 * 1024;
const SILENT_HEARTBEATS = 3;

/** One connection to the control plane that speaks the watch. Given up when it has been silent for three heartbeats. */
export class WatchConnection {
  /** Coarse: monotonic ms at which something came last; 0 where nothing did. */
  lastHeard = 0;
  private readonly owner: WatchConnectionOwner;
  private readonly splitter = new LineSplitter(WATCH_LINE_LIMIT);
  private readonly request: ClientRequest;
  private readonly openTimer: NodeJS.Timeout;
  private socket: Socket | null = null;
  private heartbeatTimer: NodeJS.Timeout | null = null;
  private isClosed = false;

  constructor({ url, token, sidecar }: ControlPlaneTarget, owner: WatchConnectionOwner) {
    this.owner = owner;
    const send = requestTo(url);
    this.request = send(`${url}/v1/watch`, {
      agent: false,
      lookup: hostLookup.lookup,
      headers: {
        connection: 'Upgrade',
        upgrade: WATCH_PROTOCOL,
        [SIDECAR_HEADER]: sidecar,
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
      },
    });
    this.openTimer = setTimeout(() => this.close(`did not answer within ${OPEN_MS} ms`), OPEN_MS);
    this.request.on('upgrade', (answer, socket, head) => this.onUpgrade(answer, socket as Socket, head));
    this.request.on('response', answer => this.onRefused(answer));
    this.request.on('error', error => this.close(describe(error)));
    this.request.end();
  }

  /** The address by which the control plane is reached from here, and so by which others may reach this machine. */
  get localAddress(): string | null {
    const address = this.socket?.localAddress ?? null;
    return address?.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
  }

  send(message: SidecarMessage): void {
    const { socket } = this;
    if (socket === null || this.isClosed) return;
    if (socket.writableLength > MAX_WAITING) return this.close('does not read what it is told');
    socket.write(`${JSON.stringify(message)}\n`);
  }

  /** Ends the connection. Does nothing when it has ended. */
  close(reason: string): void {
    if (this.isClosed) return;
    this.isClosed = true;
    clearTimeout(this.openTimer);
    if (this.heartbeatTimer !== null) clearInterval(this.heartbeatTimer);
    this.request.destroy();
    this.socket?.destroy();
    this.owner.onClosed(reason);
  }

  private onUpgrade(answer: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', error => this.close(describe(error)));
    if (this.isClosed) return void socket.destroy();
    this.socket = socket;
    if (answer.headers.upgrade?.toLowerCase() !== WATCH_PROTOCOL) {
      return this.close(`switched to ${answer.headers.upgrade} instead of ${WATCH_PROTOCOL}`);
    }
    clearTimeout(this.openTimer);
    socket.setNoDelay(true);
    socket.on('data', chunk => this.onData(chunk));
    socket.on('end', () => this.close('closed the connection'));
    socket.on('close', () => this.close('closed the connection'));
    this.beat(WATCH_HEARTBEAT_MS);
    this.owner.onOpen();
    if (head.length > 0) this.onData(head);
  }

  private onRefused(answer: IncomingMessage): void {
    let text = '';
    answer.setEncoding('utf8');
    answer.on('data', (chunk: string) => {
      if (text.length < 4096) text += chunk;
    });
    answer.on('close', () => this.close(explainAnswer(answer.statusCode ?? 0, text)));
  }

  private onData(chunk: Buffer): void {
    if (this.isClosed) return;
    this.lastHeard = performance.now();
    const lines = this.splitter.push(chunk);
    if (lines === null) return this.close(`sent a line of more than ${WATCH_LINE_LIMIT} bytes`);
    const messages: WatchMessage[] = [];
    let complaint: string | null = null;
    for (const line of lines) {
      try {
        const message = readJson(WATCH_MESSAGE, line, 'a line');
        if (message.type === 'hello') this.beat(message.heartbeat);
        messages.push(message);
      } catch (error) {
        // A later control plane may say more.
        if (error instanceof UnknownKind) continue;
        complaint = `sent what is no message of the watch: ${(error as Error).message}`;
        break;
      }
    }
    if (messages.length > 0) this.owner.onMessages(messages);
    if (complaint !== null) this.close(complaint);
  }

  /** Says every `ms` that the sidecar is alive, and looks whether the control plane is. */
  private beat(ms: number): void {
    const interval = Math.min(60_000, Math.max(20, ms));
    if (this.heartbeatTimer !== null) clearInterval(this.heartbeatTimer);
    this.lastHeard = performance.now();
    this.heartbeatTimer = setInterval(() => {
      this.send({ type: 'heartbeat' });
      // After a stall of this process, what has come in meanwhile is read first.
      setImmediate(() => {
        if (performance.now() - this.lastHeard <= SILENT_HEARTBEATS * interval) return;
        this.close(`was silent for ${SILENT_HEARTBEATS * interval} ms`);
      });
    }, interval);
  }
}

function describe(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'refuses connections: nothing listens there (ECONNREFUSED)';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `can not be found: its name does not resolve (${error.code})`;
    case 'ECONNRESET':
      return 'broke the connection (ECONNRESET)';
    case 'EPROTO':
      return error.message.includes('wrong version number')
        ? 'does not speak TLS: controlPlane.url has to begin with http://'
        : `can not be reached: ${error.message}`;
    default:
      return `can not be reached: ${error.message}`;
  }
}
