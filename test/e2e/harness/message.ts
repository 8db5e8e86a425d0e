import assert from 'node:assert/strict';

/**
 * HTTP/1.1 messages as these tests read them: simple and strict, and nothing of it taken from the sidecar, so that
 * what the sidecar sends is judged by somebody else.
 */
export class Message {
  /** The start line. */
  readonly line: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  body: Buffer = Buffer.alloc(0);
  trailers: readonly (readonly [name: string, value: string])[] = [];
  /** The body's end was seen; where it ends with the connection, that it ended properly. */
  isComplete = false;

  constructor(head: string) {
    const [line, ...fieldLines] = head.split('\r\n');
    this.line = line!;
    this.fields = parseFields(fieldLines);
  }

  /** Of an answer. */
  get status(): number {
    const match = /^HTTP\/1\.1 (\d{3}) /.exec(this.line);
    assert.ok(match, `not a status line: ${JSON.stringify(this.line)}`);
    return Number(match[1]);
  }

  /** Of a request. */
  get method(): string {
    return this.line.split(' ')[0]!;
  }

  /** Of a request. */
  get target(): string {
    return this.line.split(' ')[1]!;
  }

  get text(): string {
    return this.body.toString();
  }

  /** The body as JSON. */
  get json(): Record<string, unknown> {
    return JSON.parse(this.text);
  }

  /** All values of a field joined by commas, or null where there is none. */
  field(name: string): string | null {
    const values = this.fields.filter(([other]) => other.toLowerCase() === name).map(([, value]) => value);
    return values.length === 0 ? null : values.join(', ');
  }
}

/** Takes one message at a time off a stream of bytes. */
export class MessageReader {
  /** Bytes that were received and belong to no message yet. */
  pending: Buffer = Buffer.alloc(0);
  private message: Message | null = null;
  private framing: Framing = 0;
  private chunks: Buffer[] = [];
  private remaining = 0;
  private chunkPhase: 'size' | 'data' | 'trailers' = 'size';

  push(bytes: Buffer): void {
    this.pending = this.pending.length === 0 ? bytes : Buffer.concat([this.pending, bytes]);
  }

  /** The message whose head has arrived and whose end has not, without its body. */
  get begun(): Message | null {
    return this.message;
  }

  /** The same, with its body so far. */
  get current(): Message | null {
    if (this.message !== null) this.message.body = Buffer.concat(this.chunks);
    return this.message;
  }

  /** The next complete message, or null. @param method of the request, where answers are read */
  take(method: string | null): Message | null {
    if (this.message === null) {
      this.chunks = [];
      const end = this.pending.indexOf('\r\n\r\n');
      if (end < 0) return null;
      const message = new Message(this.pending.subarray(0, end).toString('latin1'));
      this.pending = this.pending.subarray(end + 4);
      this.message = message;
      this.framing = framingOf(message, method);
      this.chunks = [];
      this.remaining = typeof this.framing === 'number' ? this.framing : 0;
      this.chunkPhase = 'size';
    }
    if (this.framing === 'chunked') return this.takeChunks(this.message);
    if (this.framing === 'until-close') {
      this.takeBytes(this.pending.length);
      return null;
    }
    this.remaining -= this.takeBytes(this.remaining);
    return this.remaining === 0 ? this.complete(this.message) : null;
  }

  /** Gives up on the message under way. @returns what was read of its body, as it was framed by its length, and what followed */
  takeRest(): Buffer {
    const rest = Buffer.concat([...this.chunks, this.pending]);
    this.message = null;
    this.chunks = [];
    this.pending = Buffer.alloc(0);
    return rest;
  }

  /** The connection has ended. @returns the message that ends with it, complete or not, or null */
  end(isProper: boolean): Message | null {
    const { message } = this;
    if (message === null) return null;
    if (this.framing === 'until-close' && isProper) return this.complete(message);
    message.body = Buffer.concat(this.chunks);
    this.message = null;
    return message;
  }

  private takeChunks(message: Message): Message | null {
    for (;;) {
      if (this.chunkPhase === 'data') {
        this.remaining -= this.takeBytes(this.remaining);
        if (this.remaining > 0 || this.pending.length < 2) return null;
        assert.equal(this.takeLine(), '', 'bytes between a chunk and its end');
        this.chunkPhase = 'size';
      }
      if (this.chunkPhase === 'size') {
        const line = this.takeLine();
        if (line === null) return null;
        assert.match(line, /^[0-9a-fA-F]+$/, 'not the size of a chunk');
        this.remaining = Number.parseInt(line, 16);
        this.chunkPhase = this.remaining === 0 ? 'trailers' : 'data';
      } else {
        const isEmpty = this.pending.subarray(0, 2).toString('latin1') === '\r\n';
        const end = isEmpty ? 0 : this.pending.indexOf('\r\n\r\n');
        if (end < 0) return null;
        const lines = this.pending.subarray(0, end).toString('latin1').split('\r\n');
        message.trailers = isEmpty ? [] : parseFields(lines);
        this.pending = this.pending.subarray(end + (isEmpty ? 2 : 4));
        return this.complete(message);
      }
    }
  }

  private takeLine(): string | null {
    const end = this.pending.indexOf('\r\n');
    if (end < 0) return null;
    const line = this.pending.subarray(0, end).toString('latin1');
    this.pending = this.pending.subarray(end + 2);
    return line;
  }

  private takeBytes(atMost: number): number {
    const bytes = this.pending.subarray(0, atMost);
    if (bytes.length > 0) this.chunks.push(bytes);
    this.pending = this.pending.subarray(bytes.length);
    return bytes.length;
  }

  private complete(message: Message): Message {
    message.body = Buffer.concat(this.chunks);
    message.isComplete = true;
    this.message = null;
    return message;
  }
}

type Framing = number | 'chunked' | 'until-close';

function framingOf(message: Message, method: string | null): Framing {
  const isAnswer = method !== null;
  if (isAnswer) {
    const { status } = message;
    if (status < 200 || status === 204 || status === 304 || method === 'HEAD') return 0;
    if (method === 'CONNECT' && status < 300) return 0;
  }
  if (message.field('transfer-encoding') !== null) {
    assert.equal(message.field('transfer-encoding'), 'chunked');
    assert.equal(message.field('content-length'), null, 'both framings');
    return 'chunked';
  }
  const length = message.field('content-length');
  if (length === null) return isAnswer ? 'until-close' : 0;
  assert.match(length, /^\d+$/);
  return Number(length);
}

function parseFields(lines: readonly string[]): (readonly [string, string])[] {
  return lines.map(line => {
    const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?(.*)$/.exec(line);
    assert.ok(match, `not a field: ${JSON.stringify(line)}`);
    return [match[1]!, match[2]!] as const;
  });
}
