import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { BulkReceiver } from './bulk.ts';
import { Changes } from './changes.ts';
import { type Message, MessageReader } from './message.ts';
import { within } from './until.ts';

/** How the other side ended a connection. */
export type Ending = 'fin' | 'reset';

/** An application that speaks to a sidecar over a socket of its own, byte by byte. */
export class RawClient {
  readonly socket: Socket;
  readonly reader = new MessageReader();
  /** Bytes received so far. */
  received = 0;
  /** The other side has sent FIN or RST. */
  ending: Ending | null = null;
  private bulk: BulkReceiver | null = null;
  private readonly changes = new Changes();

  static async connect(port: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = connect({ port, host, allowHalfOpen: true, noDelay: true });
    await within(
      new Promise<void>((resolve, reject) => {
        socket.once('connect', () => resolve());
        socket.once('error', reject);
      }),
      `a connection to ${host}:${port}`,
    );
    return new RawClient(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', chunk => {
      this.received += chunk.length;
      if (this.bulk !== null) this.bulk.take(chunk);
      else this.reader.push(chunk);
      this.changes.notify();
    });
    socket.on('end', () => {
      this.ending ??= 'fin';
      this.changes.notify();
    });
    socket.on('error', () => {
      this.ending ??= 'reset';
      this.changes.notify();
    });
  }

  send(bytes: string | Buffer): this {
    if (typeof bytes === 'string') this.socket.write(bytes, 'latin1');
    else this.socket.write(bytes);
    return this;
  }

  /** Sends a request and waits for its answer. @param request with CRLF line ends, complete */
  async ask(request: string | Buffer, ms?: number): Promise<Message> {
    const method = request.toString('latin1').split(' ', 1)[0]!;
    return await this.send(request).answer(method, ms);
  }

  /**
   * The next answer, interim ones one by one; also one that broke off, which `isComplete` tells.
   * @param method of the request that it is for
   */
  async answer(method = 'GET', ms?: number): Promise<Message> {
    let message: Message | null = null;
    await this.changes.until(
      () => {
        message = this.reader.take(method);
        if (message === null && this.ending !== null) message = this.reader.end(this.ending === 'fin');
        assert.ok(message !== null || this.ending === null, `no answer, but ${this.ending}`);
        return message;
      },
      'an answer',
      ms,
    );
    return message!;
  }

  /** Waits until the head of an answer is there. */
  async head(method = 'GET'): Promise<Message> {
    await this.changes.until(() => {
      if (this.reader.begun === null) this.reader.take(method);
      assert.ok(this.reader.begun !== null || this.ending === null, `no answer, but ${this.ending}`);
      return this.reader.begun;
    }, 'the head of an answer');
    return this.reader.current!;
  }

  /** Waits until so many bytes of whatever kind are pending, and takes them: for tunnels. */
  async bytes(count: number, ms?: number): Promise<Buffer> {
    await this.changes.until(
      () => this.reader.pending.length >= count || this.ending !== null,
      `${count} bytes`,
      ms,
    );
    const bytes = this.reader.pending.subarray(0, count);
    this.reader.pending = this.reader.pending.subarray(count);
    return bytes;
  }

  /** Waits until the condition holds, looking whenever something has arrived. */
  async until(condition: () => unknown, what: string): Promise<void> {
    await this.changes.until(() => {
      const holds = condition();
      assert.ok(holds || this.ending === null, `not ${what}, but ${this.ending}`);
      return holds;
    }, what);
  }

  /** Waits for the other side to end the connection. */
  async ended(ms?: number): Promise<Ending> {
    await this.changes.until(() => this.ending !== null, 'the end of the connection', ms);
    return this.ending!;
  }

  /** From here on, bytes are compared and counted instead of being kept. */
  receiveBulk(start = 0): BulkReceiver {
    this.bulk = new BulkReceiver(start);
    this.bulk.take(this.reader.takeRest());
    return this.bulk;
  }

  /** Sends no more; still reads. */
  end(): void {
    this.socket.end();
  }

  close(): void {
    this.socket.destroy();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }
}

/** A request without a body as text. */
export function get(path: string, host = 'svc', fields = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`;
}

/** A request with a body as text. */
export function post(path: string, body: string, host = 'svc', fields = ''): string {
  return `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`;
}
