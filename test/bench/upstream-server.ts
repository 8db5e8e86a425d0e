import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { AnswerGate } from './answer-gate.ts';
import { REQUESTS, renderAnswer } from './bench-requests.ts';

/**
 * The endpoints behind the proxy: raw sockets and prepared answers, so that what they cost is little and always the
 * same. They understand the bench's own requests and nothing else.
 */
export class UpstreamServers {
  readonly ports: readonly number[];
  readonly gate: AnswerGate;
  private readonly servers: readonly Server[];
  private readonly sockets: ReadonlySet<Socket>;

  private constructor(servers: readonly Server[], sockets: ReadonlySet<Socket>, gate: AnswerGate) {
    this.servers = servers;
    this.sockets = sockets;
    this.gate = gate;
    this.ports = servers.map(server => (server.address() as AddressInfo).port);
  }

  /** Listens on `count` ports of the loopback address. */
  static async start(count: number): Promise<UpstreamServers> {
    const gate = new AnswerGate();
    const sockets = new Set<Socket>();
    const servers: Server[] = [];
    for (let i = 0; i < count; i++) {
      const server = createServer({ noDelay: true }, socket => {
        sockets.add(socket);
        socket.on('close', () => sockets.delete(socket));
        serve(socket, gate);
      });
      server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
      await once(server, 'listening');
      servers.push(server);
    }
    return new UpstreamServers(servers, sockets, gate);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await Promise.all(this.servers.map(server => new Promise(resolve => server.close(resolve))));
  }
}

const SMALL = renderAnswer(REQUESTS.small.answerLength);
const ANSWERS = [
  { start: `GET ${REQUESTS['64k'].target} `, answer: renderAnswer(REQUESTS['64k'].answerLength) },
  { start: `GET ${REQUESTS['1m'].target} `, answer: renderAnswer(REQUESTS['1m'].answerLength) },
];
/** As the load generator writes it; only the row without a proxy brings it here. */
const CLOSES = '\r\nConnection: close\r\n';
const NOT_UNDERSTOOD = 'HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

function serve(socket: Socket, gate: AnswerGate): void {
  let pieces = '';
  let bodyMissing = 0;
  let answer = SMALL;
  let closes = false;
  socket.on('data', chunk => {
    let at = 0;
    while (at < chunk.length) {
      if (bodyMissing === 0) {
        const text = pieces + chunk.toString('latin1', at, Math.min(chunk.length, at + 4096));
        const headEnd = text.indexOf('\r\n\r\n');
        if (headEnd === -1) {
          pieces = text;
          return;
        }
        at += headEnd + 4 - pieces.length;
        pieces = '';
        answer = SMALL;
        closes = text.slice(0, headEnd + 2).includes(CLOSES);
        if (text.startsWith('GET ')) {
          answer = ANSWERS.find(candidate => text.startsWith(candidate.start))?.answer ?? SMALL;
        } else {
          const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(text.slice(0, headEnd + 2));
          if (length === null) {
            socket.end(NOT_UNDERSTOOD);
            return;
          }
          bodyMissing = Number(length[1]);
        }
      }
      const taken = Math.min(bodyMissing, chunk.length - at);
      at += taken;
      bodyMissing -= taken;
      if (bodyMissing > 0) return;
      if (gate.isClosed) gate.hold(send.bind(null, socket, answer, closes));
      else send(socket, answer, closes);
    }
  });
  // A proxy may drop its connections as it likes; an error here shows on the load generator's side if it matters.
  socket.on('error', () => {});
}

function send(socket: Socket, answer: Buffer, closes: boolean): void {
  if (closes) socket.end(answer);
  else socket.write(answer);
}
