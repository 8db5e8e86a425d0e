import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { UpstreamStep } from './case.ts';
import { Peer, until } from './peer.ts';
import { type Pieces, whole } from './pieces.ts';
import { type Message, readRequest, WireError } from './wire.ts';

/** A request that reached the upstream, complete or not. */
export interface Arrival {
  readonly connection: UpstreamConnection;
  message: Message;
}

/** A server on a raw socket that answers from a script, and keeps account of every byte that reached it. */
export class ScriptedUpstream {
  /** Since the last `begin`, in the order in which the heads were complete; the runner's own requests are kept apart. */
  arrivals: Arrival[] = [];
  /** The runner's own requests, which are answered outside the script. */
  canaries: Arrival[] = [];
  connections: UpstreamConnection[] = [];
  script: readonly (readonly UpstreamStep[])[] = [];
  pieces: Pieces = whole;
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
    server.on('connection', (socket: Socket) => {
      this.connections.push(new UpstreamConnection(this, socket));
    });
  }

  static async start(): Promise<ScriptedUpstream> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening));
    return new ScriptedUpstream(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Starts a case: forgets what was, answers from this script. */
  begin(script: readonly (readonly UpstreamStep[])[], pieces: Pieces): void {
    this.arrivals = [];
    this.canaries = [];
    this.connections = [];
    this.script = script;
    this.pieces = pieces;
  }

  /** Closes all connections, so that the next case starts on fresh ones. */
  async quiesce(): Promise<void> {
    await Promise.all(this.connections.map(connection => connection.peer.close()));
  }

  async stop(): Promise<void> {
    for (const connection of this.connections) connection.peer.socket.destroy();
    await new Promise(closed => this.server.close(closed));
  }
}

/** One connection from the sidecar. */
export class UpstreamConnection {
  readonly peer: Peer;
  /** Why the bytes received are not HTTP, where they are not. */
  problem: string | null = null;
  /** Bytes that came after a switch to a tunnel. */
  get tunnelled(): string {
    return this.tunnelFrom < 0 ? '' : this.peer.received.slice(this.tunnelFrom);
  }

  private readonly upstream: ScriptedUpstream;
  private current: Arrival | null = null;
  private readFrom = 0;
  private tunnelFrom = -1;
  private answering: Promise<void> = Promise.resolve();

  constructor(upstream: ScriptedUpstream, socket: Socket) {
    this.upstream = upstream;
    this.peer = new Peer(socket);
    socket.on('data', () => this.read());
    socket.on('end', () => {
      // A tunnel's half-close leaves the other direction open; otherwise there is nobody left to answer.
      if (this.tunnelFrom < 0) this.peer.end();
    });
  }

  /** Bytes of a request that never became complete. */
  get unfinished(): string {
    return this.tunnelFrom >= 0 ? '' : this.peer.received.slice(this.readFrom);
  }

  private read(): void {
    try {
      while (this.tunnelFrom < 0 && this.problem === null && this.readOne()) {}
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.problem = error.message;
    }
  }

  /** Reads one more request, or more of one. @returns whether there may be another behind it */
  private readOne(): boolean {
    if (this.current === null) {
      const rest = this.peer.received.slice(this.readFrom);
      const message = rest === '' ? null : readRequest(rest);
      if (message === null) return false;
      this.current = { connection: this, message };
      this.startAnswer(this.current);
    } else {
      const message = readRequest(this.peer.received.slice(this.readFrom));
      if (message !== null) this.current.message = message;
    }
    if (!this.current.message.complete) return false;
    this.readFrom += this.current.message.length;
    this.current = null;
    return true;
  }

  private startAnswer(arrival: Arrival): void {
    const isCanary = arrival.message.startLine.includes('/canary-');
    const list = isCanary ? this.upstream.canaries : this.upstream.arrivals;
    const steps = isCanary ? null : (this.upstream.script[list.length] ?? null);
    list.push(arrival);
    this.answering = this.answering.then(() => this.answer(arrival, steps));
  }

  private async answer(arrival: Arrival, script: readonly UpstreamStep[] | null): Promise<void> {
    const isComplete = () => arrival.message.complete;
    const steps = script ?? [echo(arrival)];
    // The usual answer is not what a case is about: it comes in one piece.
    const pieces = script === null ? whole : this.upstream.pieces;
    const atHead = typeof steps[0] === 'object' && steps[0].do === 'head';
    if (!atHead) await until(() => isComplete() || this.peer.ended);
    for (const step of steps) {
      if (this.peer.socket.destroyed) return;
      if (typeof step === 'string') await this.peer.send(step, pieces);
      else if (step.do === 'pause') await sleep(step.n);
      else if (step.do === 'body') await until(isComplete);
      else if (step.do === 'end') this.peer.end();
      else if (step.do === 'ended') await until(() => this.peer.ended);
      else if (step.do === 'reset') this.peer.reset();
      else if (step.do === 'tunnel') this.tunnelFrom = this.readFrom;
      else if (step.do === 'hear') await until(() => this.tunnelled.includes(step.bytes));
    }
  }
}

function echo(arrival: Arrival): string {
  const [method, target] = arrival.message.startLine.split(' ');
  const body = `${method} ${target}`;
  const head = `HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: ${body.length}\r\n\r\n`;
  return method === 'HEAD' ? head : head + body;
}
