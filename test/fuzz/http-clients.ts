import { once } from 'node:events';
import { type IncomingMessage, request as nodeRequest } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { Client } from 'undici';

/** A complete final answer as a client saw it. Texts are latin1. */
export interface SeenResponse {
  readonly status: number;
  /** `[name, value, …]` as received. */
  readonly fields: string[];
  readonly body: string;
}

/** What a client made of the bytes that answered it: an answer, a protocol that was switched to, or an error's code. */
export type SeenAnswer = SeenResponse | 'switched' | { readonly error: string };

/** A client that sends one request over a connection of its own and tells how it read the answer. */
export type AskingClient = (port: number, path: string, method: string) => Promise<SeenAnswer>;

/** Answers any request with bytes that are set beforehand, and closes the connection after them. */
export class AnsweringServer {
  private readonly answers = new Map<string, string>();
  private readonly server: Server;
  private asked = 0;

  private constructor() {
    this.server = createServer(socket => {
      socket.on('error', () => {});
      socket.once('data', head => {
        const path = /^[A-Z]+ (\S+)/.exec(head.toString('latin1'))?.[1] ?? '';
        socket.end(this.answers.get(path) ?? '', 'latin1');
        socket.resume();
      });
    });
  }

  static async start(): Promise<AnsweringServer> {
    const made = new AnsweringServer();
    made.server.listen(0, '127.0.0.1');
    await once(made.server, 'listening');
    return made;
  }

  /** How the client reads these bytes as the answer to a request. */
  async see(client: AskingClient, method: string, answer: string): Promise<SeenAnswer> {
    const path = `/${this.asked++}`;
    this.answers.set(path, answer);
    const seen = await client((this.server.address() as AddressInfo).port, path, method);
    this.answers.delete(path);
    return seen;
  }

  async stop(): Promise<void> {
    this.server.close();
    await once(this.server, 'close');
  }
}

/** node:http's client with its strict parser. */
export const nodeClient: AskingClient = (port, path, method) =>
  new Promise(resolve => {
    const fail = (error: NodeJS.ErrnoException) => resolve({ error: error.code ?? error.message });
    const request = nodeRequest({ port, path, method, host: '127.0.0.1', agent: false });
    let answer: IncomingMessage | null = null;
    // What follows a complete answer is an error of its own; the answer is still told of.
    request.on('error', error => answer?.complete || fail(error));
    request.on('upgrade', (_response, socket) => {
      socket.destroy();
      resolve('switched');
    });
    request.on('response', response => {
      answer = response;
      const chunks: Buffer[] = [];
      response.on('data', chunk => chunks.push(chunk));
      response.on('error', fail);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          fields: response.rawHeaders,
          body: Buffer.concat(chunks).toString('latin1'),
        }),
      );
    });
    request.end();
  });

/** undici's client. */
export const undiciClient: AskingClient = async (port, path, method) => {
  const client = new Client(`http://127.0.0.1:${port}`);
  try {
    const response = await client.request({ path, method, responseHeaders: 'raw' });
    const body = Buffer.from(await response.body.arrayBuffer()).toString('latin1');
    // In this form undici leaves the white space behind a value.
    const fields = (response.headers as unknown as string[]).map(text => text.replace(/[ \t]+$/, ''));
    return { status: response.statusCode, fields, body };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { error: code ?? message };
  } finally {
    await client.destroy();
  }
};
