import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HostPort } from '../../control-plane/contract/host-port.ts';
import { AnswerTurns } from '../../process/answer-turns.ts';
import { refusedHost, refusedOrigin, repeatedHost } from '../../process/browser-guard.ts';
import { ListenError } from '../../process/listen-error.ts';
import type { Log } from '../../process/log.ts';
import { type AdminAnswer, problemAnswer } from './admin-answer.ts';
import { AdminRoutes } from './admin-routes.ts';
import type { AdminView } from './admin-view.ts';

/**
 * The sidecar's own local API: a few calls, mostly from probes, Prometheus and people with curl. It has no authentication, so
 * it listens on localhost unless told otherwise; see `browser-guard.ts` for what it does about web pages. It shares a thread with
 * the data path, so that what is asked of it is bounded: connections, requests of each, and how often what is costly is made.
 */
export class AdminServer {
  /** Where it listens, with the port that was taken. */
  readonly address: HostPort;
  private readonly server: Server;
  private stopped: Promise<void> | null = null;

  /** Rejects with a {@link ListenError} where the address can't be listened on. */
  static async start(listen: HostPort, view: AdminView, log: Log): Promise<AdminServer> {
    const responder = {
      routes: new AdminRoutes(view),
      turns: new AnswerTurns(),
      listenHost: listen.host,
      log,
    };
    const server = createServer(LIMITS, (request, response) => respond(request, response, responder));
    server.timeout = NOT_READ_MS;
    server.maxConnections = MAX_CONNECTIONS;
    server.listen(listen.port, listen.host);
    try {
      await once(server, 'listening');
    } catch (error) {
      throw new ListenError(error, listen.host, listen.port, 'admin.listen (--admin)');
    }
    return new AdminServer(server);
  }

  private constructor(server: Server) {
    this.server = server;
    const { address, port } = server.address() as AddressInfo;
    this.address = { host: address, port };
  }

  /** Takes no more connections and ends those that there are, answers under way within a second. May be called twice. */
  stop(): Promise<void> {
    this.stopped ??= this.close();
    return this.stopped;
  }

  private async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeIdleConnections();
    const timer = setTimeout(() => this.server.closeAllConnections(), STOP_WITHIN_MS);
    await closed;
    clearTimeout(timer);
  }
}

const MAX_CONNECTIONS = 64;
const MAX_BODY_BYTES = 4096;
const STOP_WITHIN_MS = 1000;
/** Who does not read an answer for so long does not get the rest. */
const NOT_READ_MS = 15_000;
const LIMITS = {
  maxHeaderSize: 8192,
  headersTimeout: 5000,
  requestTimeout: 10_000,
  keepAliveTimeout: 20_000,
  connectionsCheckingInterval: 2000,
};

interface Responder {
  readonly routes: AdminRoutes;
  readonly turns: AnswerTurns;
  readonly listenHost: string;
  readonly log: Log;
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  responder: Responder,
): Promise<void> {
  limitBody(request);
  if (!(await responder.turns.take(request, response))) return;
  try {
    send(response, await answer(request, responder));
  } catch (error) {
    responder.log.error({ err: error, path: request.url }, 'the admin API could not answer');
    send(response, problemAnswer(500, 'The sidecar could not answer; its log says why.'));
  }
}

async function answer(request: IncomingMessage, { routes, listenHost }: Responder): Promise<AdminAnswer> {
  const { method = '', url = '', headers } = request;
  const ambiguity = repeatedHost(request);
  if (ambiguity !== null) return problemAnswer(400, ambiguity);
  const isChange = method !== 'GET' && method !== 'HEAD';
  const refusal = refusedHost(headers, listenHost) ?? (isChange ? refusedOrigin(headers) : null);
  if (refusal !== null) return problemAnswer(403, refusal);
  const [path, query = ''] = url.split('?', 2);
  return await routes.find(method, path)(new URLSearchParams(query));
}

function send(response: ServerResponse, answer: AdminAnswer): void {
  response.writeHead(answer.status, {
    ...answer.headers,
    'content-type': answer.contentType,
    'content-length': answer.body.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(answer.body);
}

/** No call has a body to speak of: a short one is read and forgotten, a long one ends the connection. */
function limitBody(request: IncomingMessage): void {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) request.destroy();
  });
  request.on('error', () => {});
}
