import { connect, type Socket } from 'node:net';
import type { AnswerReader } from './answer-reader.ts';

/** Told what becomes of the requests on its connections. */
export interface LoadConnectionOwner {
  /** The bytes of the one request that is sent again and again, as latin1. */
  readonly request: string;
  onAnswer(connection: LoadConnection): void;
  onError(connection: LoadConnection, reason: string): void;
}

/** One place in the load generator's row: sends a request, waits for the answer, and reconnects when it has to. */
export class LoadConnection {
  /** When the request under way was sent, or was due, in monotonic milliseconds. */
  sentAt = 0;
  private readonly owner: LoadConnectionOwner;
  private readonly reader: AnswerReader;
  private readonly port: number;
  /** A connection per request: the answer counts once the proxy has closed. */
  private readonly fresh: boolean;
  private socket: Socket | null = null;
  private waiting = false;
  private answered = false;

  constructor(owner: LoadConnectionOwner, reader: AnswerReader, port: number, fresh: boolean) {
    this.owner = owner;
    this.reader = reader;
    this.port = port;
    this.fresh = fresh;
  }

  /** Resolves once there is a connection. */
  connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = this.open();
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
  }

  /** Sends a request. @param at the time that its latency counts from */
  send(at: number): void {
    this.sentAt = at;
    this.waiting = true;
    this.answered = false;
    this.reader.reset();
    const socket = this.socket ?? this.open();
    socket.write(this.owner.request, 'latin1');
  }

  /** Whether the answer to a request of before that time is still due. */
  isWaitingSince(time: number): boolean {
    return this.waiting && this.sentAt < time;
  }

  close(): void {
    this.socket?.destroy();
    this.socket = null;
  }

  private open(): Socket {
    const socket = connect({
      host: '127.0.0.1',
      port: this.port,
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback: size => {
          if (socket === this.socket) this.onBytes(size);
          return true;
        },
      },
    });
    socket.on('error', error =>
      this.onClosed(socket, (error as NodeJS.ErrnoException).code ?? error.message),
    );
    socket.on('close', () => this.onClosed(socket, 'closed before the answer was complete'));
    this.socket = socket;
    return socket;
  }

  private onBytes(size: number): void {
    if (!this.waiting) {
      this.fail('bytes that nobody asked for');
      return;
    }
    const result = this.reader.push(READ_BUFFER, size);
    if (result === 'more') return;
    if (result !== 'complete') {
      this.fail(result.wrong);
    } else if (this.fresh) {
      this.waiting = false;
      this.answered = true;
    } else {
      this.waiting = false;
      if (this.reader.closes) this.close();
      this.owner.onAnswer(this);
    }
  }

  private onClosed(socket: Socket, reason: string): void {
    if (socket !== this.socket) return;
    this.socket = null;
    if (this.answered) {
      this.answered = false;
      this.owner.onAnswer(this);
    } else if (this.waiting) {
      this.waiting = false;
      this.owner.onError(this, reason);
    }
  }

  private fail(reason: string): void {
    this.waiting = false;
    this.close();
    this.owner.onError(this, reason);
  }
}

/** Shared by all connections: what is read is looked at before the next read. */
const READ_BUFFER = new Uint8Array(256 * 1024);
