import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { createAcceptor } from '../../../sidecar/io/accept.ts';
import type { ByteSocket, SocketOwner } from '../../../sidecar/io/byte-socket.ts';
import { StreamSocket } from '../../../sidecar/io/stream-socket.ts';

/** Notes what a socket tells. */
export class RecordedOwner implements SocketOwner {
  received = '';
  /** What came, in order, reads left out. */
  readonly told: string[] = [];

  onRead(length: number, bytes: Buffer): void {
    this.received += bytes.toString('latin1', 0, length);
  }

  onEnd(): void {
    this.told.push('end');
  }

  onDrain(): void {
    this.told.push('drain');
  }

  onLost(reason: string): void {
    this.told.push(reason);
  }
}

export interface Pair {
  readonly socket: ByteSocket;
  readonly owner: RecordedOwner;
  /** The other end. It reads nothing before the test has it do so. */
  readonly peer: Socket;
  close(): void;
}

type Accept = (onSocket: (socket: ByteSocket) => void) => Server;

/** The two ways in which the data path comes by a socket. */
export const ACCEPTORS: Readonly<Record<string, Accept>> = {
  'as the runtime has it': createAcceptor,
  'by public API alone': onSocket =>
    createServer({ allowHalfOpen: true }, socket => onSocket(new StreamSocket(socket))),
};

/** Two ends of a connection over loopback. */
export async function openPair(accept: Accept, owner = new RecordedOwner()): Promise<Pair> {
  let server: Server | null = null;
  const accepted = new Promise<ByteSocket>(resolve => {
    server = accept(resolve);
  });
  const listening = server as unknown as Server;
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const peer = connect({
    host: '127.0.0.1',
    port: (listening.address() as AddressInfo).port,
    allowHalfOpen: true,
  });
  peer.pause();
  peer.on('error', () => {});
  const [socket] = await Promise.all([accepted, once(peer, 'connect')]);
  listening.close();
  socket.open(owner);
  return {
    socket,
    owner,
    peer,
    close() {
      socket.destroy();
      peer.destroy();
    },
  };
}

/**
 * A peer in a process of its own: what it does at once, the socket hears of at once. It does what it is sent, a letter each:
 * `w` writes a word, `r` resets, `f` ends its side, `-` waits a moment.
 */
export class PeerProcess {
  readonly port: number;
  private readonly child: ChildProcess;

  static async start(): Promise<PeerProcess> {
    const child = spawn(process.execPath, ['-e', PEER_PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [port] = await once(child.stdout, 'data');
    return new PeerProcess(child, Number(port));
  }

  private constructor(child: ChildProcess, port: number) {
    this.child = child;
    this.port = port;
  }

  async stop(): Promise<void> {
    this.child.stdin?.end();
    await once(this.child, 'exit');
  }
}

const PEER_PROGRAM = `
  const server = require('node:net').createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => {});
    socket.on('data', async orders => {
      for (const order of String(orders)) {
        if (order === 'w') await new Promise(done => socket.write('word', done));
        if (order === 'r') socket.resetAndDestroy();
        if (order === 'f') socket.end();
        if (order === '-') await new Promise(done => setTimeout(done, 30));
      }
    });
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
  process.stdin.on('end', () => process.exit()).resume();
`;

/** Holds up this process, so that all that comes meanwhile is found together afterwards. */
export function stall(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** What the peer reads until its end is told, or until the connection is lost. */
export async function readAll(peer: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  peer.on('data', piece => pieces.push(piece));
  peer.resume();
  await new Promise(resolve => {
    peer.once('end', resolve);
    peer.once('close', resolve);
  });
  return Buffer.concat(pieces);
}
