import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
} from 'fastify';
import { AnswerTurns } from '../../process/answer-turns.ts';
import { refusedHost, refusedOrigin, repeatedHost } from '../../process/browser-guard.ts';
import { ListenError } from '../../process/listen-error.ts';
import { calledLocally, formatHostPort, type HostPort } from '../contract/host-port.ts';
import { SIDECAR_HEADER, WATCH_PROTOCOL } from '../contract/watch-messages.ts';
import type { Actor } from '../registry/actor.ts';
import { StoreError } from '../store/store.ts';
import { type LineSink, lineSinkOf } from '../watch/line-sink.ts';
import { speakWatch } from '../watch/watch-socket.ts';
import { AccessControl, type Tokens } from './access-control.ts';
import { ApiProblem, PROBLEM_TYPE } from './api-problem.ts';
import { admitStream } from './mesh-routes.ts';
import { RateLimit, type RateLimitSettings } from './rate-limit.ts';
import { BODY_LIMIT, JSON_TYPES, type RawBody, YAML_TYPES } from './request-body.ts';
import type { Access, Mesh, Route } from './route.ts';
import { ROUTES } from './routes.ts';

export interface ApiOptions {
  readonly listen: HostPort;
  readonly tokens: Tokens;
  readonly rateLimit: RateLimitSettings;
  /** Connections in all, those of the sidecars' watches included; further ones are closed at once. */
  readonly connections: number;
  /** Told of what is a bug. */
  onError(error: unknown, path: string): void;
  /** Told of a connection that is closed because there are too many. */
  onConnectionRefused(): void;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who makes the call, as soon as he was admitted. */
    by: Actor;
  }
}

const STOP_WITHIN_MS = 1000;

/** The control plane's HTTP API. Routes are data (`route.ts`); here is what is the same for all: who may call, how it is answered. */
export class ApiServer {
  private readonly mesh: Mesh;
  private readonly options: ApiOptions;
  private readonly app: FastifyInstance;
  private readonly access: AccessControl;
  private readonly rateLimit: RateLimit;
  private readonly turns = new AnswerTurns();
  /** Those that were upgraded: the HTTP server knows of them no more. */
  private readonly sockets = new Set<Socket>();
  private listensAt: HostPort;
  private stopped: Promise<void> | null = null;

  /** @throws ListenError */
  static async start(mesh: Mesh, options: ApiOptions): Promise<ApiServer> {
    const server = new ApiServer(mesh, options);
    const { host, port } = options.listen;
    try {
      await server.app.listen({ host, port });
    } catch (error) {
      throw new ListenError(error, host, port, '--listen');
    }
    const { address, port: taken } = server.app.server.address() as AddressInfo;
    server.listensAt = { host: address, port: taken };
    return server;
  }

  private constructor(mesh: Mesh, options: ApiOptions) {
    this.mesh = mesh;
    this.options = options;
    this.listensAt = options.listen;
    this.access = new AccessControl(options.tokens);
    this.rateLimit = new RateLimit(options.rateLimit);
    this.app = fastify({
      bodyLimit: BODY_LIMIT,
      // Heads come at once: half of one must not hold one of the connections for long.
      http: { headersTimeout: 5_000, connectionsCheckingInterval: 2_000 },
      requestTimeout: 30_000,
      keepAliveTimeout: 72_000,
      forceCloseConnections: 'idle',
      routerOptions: { maxParamLength: 512 },
      clientErrorHandler: (error, socket) => refuse(socket, explainClientError(error)),
      frameworkErrors: (error, _request, reply) => this.fail(error, reply as unknown as FastifyReply),
      // Requests are judged by the schemas of the mesh file, and answers are ours.
      schemaController: { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } },
    });
    this.setUp();
  }

  /** Where it listens, with the port that was taken. */
  get address(): HostPort {
    return this.listensAt;
  }

  /** How to call it from this machine. */
  get url(): string {
    return `http://${formatHostPort(calledLocally(this.address))}`;
  }

  /** Takes no more calls, and ends those that there are within a second. The streams are the hub's to end. Idempotent. */
  stop(): Promise<void> {
    this.stopped ??= this.close();
    return this.stopped;
  }

  private async close(): Promise<void> {
    const timer = setTimeout(() => {
      for (const socket of this.sockets) socket.destroy();
      this.app.server.closeAllConnections();
    }, STOP_WITHIN_MS);
    await this.app.close();
    clearTimeout(timer);
  }

  private setUp(): void {
    const { app } = this;
    app.removeAllContentTypeParsers();
    for (const [format, types] of [
      ['json', JSON_TYPES],
      ['yaml', YAML_TYPES],
    ] as const) {
      app.addContentTypeParser([...types], { parseAs: 'buffer' }, (_request, bytes, done) => {
        done(null, { format, bytes: bytes as Buffer } satisfies RawBody);
      });
    }
    app.decorateRequest('by');
    app.setErrorHandler((error, _request, reply) => this.fail(error, reply));
    app.addHook('onRequest', async (request, reply) => {
      // Nothing is sent to a connection that is gone.
      if (!(await this.turns.take(request.raw, reply.raw))) return reply.hijack();
      const refusal = this.guard(request.raw, isChange(request.method));
      if (refusal !== null) return this.fail(refusal, reply);
      // Before a body is asked for, or taken in.
      if (request.is404) return this.fail(describeUnknown(request), reply);
    });
    app.setNotFoundHandler((request, reply) => this.fail(describeUnknown(request), reply));
    for (const route of ROUTES) this.addRoute(route);
    const server = app.server as Server;
    server.maxConnections = this.options.connections;
    server.on('drop', () => this.options.onConnectionRefused());
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      // Whoever asks first is not told to send what is not read.
      if (!(lengthOf(request) > BODY_LIMIT)) response.writeContinue();
      server.emit('request', request, response);
    });
    server.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
  }

  private addRoute(route: Route): void {
    this.app.route({
      method: route.method,
      url: route.path.replace(/\{(\w+)\}/g, ':$1'),
      exposeHeadRoute: route.path !== '/v1/watch',
      // Before a body is taken in.
      onRequest: async request => {
        request.by = this.access.admit(request.headers, route.access);
      },
      handler: async (request, reply) => {
        const { params, query, headers, body, by } = request;
        const answer = await route.run(this.mesh, {
          params: params as Record<string, string>,
          query: query as Record<string, unknown>,
          headers,
          body: (body as RawBody | undefined) ?? null,
          by,
        });
        if ('stream' in answer) return stream(reply, answer.stream);
        const { status, headers: fields = {}, body: content } = answer;
        reply.code(status).headers({ ...ANSWER_HEADERS, ...fields });
        if (content === null) return reply.send();
        if (typeof content === 'string') return reply.send(content);
        return reply.type('application/json').send(JSON.stringify(content));
      },
    });
  }

  /** What holds for every call, whatever it asks for. */
  private guard(request: IncomingMessage, isChange: boolean): ApiProblem | null {
    const { headers, socket } = request;
    const ambiguity = repeatedHost(request);
    if (ambiguity !== null) return new ApiProblem(400, ambiguity);
    // Who needs a token is not called by a web page's browser, which has none to send.
    const host = this.access.hasTokens ? null : refusedHost(headers, this.options.listen.host);
    const refusal = host ?? (isChange ? refusedOrigin(headers) : null);
    if (refusal !== null) return new ApiProblem(403, refusal);
    const seconds = this.rateLimit.take(socket.remoteAddress ?? '', performance.now());
    if (seconds === null) return null;
    const { perSecond, burst } = this.options.rateLimit;
    const detail = `Too many calls from ${socket.remoteAddress}: ${perSecond} a second are taken, ${burst} at once. Come again in ${seconds} s.`;
    return new ApiProblem(429, detail, { headers: { 'retry-after': String(seconds) } });
  }

  private fail(error: unknown, reply: FastifyReply): FastifyReply {
    const problem = this.explain(error, reply.request?.url ?? '');
    // A connection that is closed while its body comes in is reset, and with it goes the answer that it should have read.
    if (problem.status === 413 && isReadToItsEnd(reply.request.raw)) reply.removeHeader('connection');
    return reply
      .code(problem.status)
      .headers({ ...ANSWER_HEADERS, ...problem.headers })
      .type(PROBLEM_TYPE)
      .send(JSON.stringify(problem.toJson()));
  }

  private explain(error: unknown, path: string): ApiProblem {
    if (error instanceof ApiProblem) return error;
    if (error instanceof StoreError) return explainStoreError(error);
    const { statusCode = 500, code, message } = error as FastifyError;
    if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
      const types = [...JSON_TYPES, ...YAML_TYPES].join(', ');
      return new ApiProblem(415, `The content-type of the body has to be one of ${types}.`);
    }
    if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
      return new ApiProblem(413, `The body is longer than ${BODY_LIMIT} bytes.`);
    }
    if (statusCode >= 400 && statusCode < 500) return new ApiProblem(statusCode, `${message}.`);
    this.options.onError(error, path);
    return new ApiProblem(500, 'The control plane could not answer; its log says why.');
  }

  /** A sidecar that asks for the watch. */
  private upgrade(request: IncomingMessage, duplex: Duplex, head: Buffer): void {
    const socket = duplex as Socket;
    socket.on('error', () => {});
    // The HTTP server lets a connection be half open, but a sidecar that has said its last word is gone.
    socket.on('end', () => socket.destroySoon());
    try {
      const sidecar = this.admitWatch(request);
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      speakWatch(this.mesh.hub, socket, head, sidecar);
    } catch (error) {
      refuse(socket, this.explain(error, request.url ?? ''));
    }
  }

  /** @returns the sidecar's id @throws ApiProblem */
  private admitWatch(request: IncomingMessage): string {
    const { headers, url = '', method } = request;
    const refusal = this.guard(request, true);
    if (refusal !== null) throw refusal;
    const protocol = headers.upgrade?.toLowerCase();
    if (protocol !== WATCH_PROTOCOL || url.split('?', 1)[0] !== '/v1/watch' || method !== 'GET') {
      const detail = `Only GET /v1/watch is upgraded, to ${WATCH_PROTOCOL}; leave Upgrade out of other calls.`;
      throw new ApiProblem(400, detail);
    }
    if (this.mesh.isStopping()) throw new ApiProblem(503, 'The control plane stops.');
    const { sidecar } = this.access.admit(headers, 'sidecar' satisfies Access);
    if (sidecar === null) {
      throw new ApiProblem(400, `The header ${SIDECAR_HEADER} has to say which sidecar wants to watch.`);
    }
    admitStream(this.mesh.hub);
    return sidecar;
  }
}

/** The longest body that is taken in only to be thrown away. */
const DISCARD_LIMIT = 16 * BODY_LIMIT;

function isReadToItsEnd(request: IncomingMessage): boolean {
  return request.headers.expect === undefined && lengthOf(request) <= DISCARD_LIMIT;
}

/** What is said of the length of a body, in bytes; NaN where nothing is. */
function lengthOf({ headers }: IncomingMessage): number {
  return Number(headers['content-length']);
}

const ANSWER_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** Never called, since no route has a schema of Fastify's; but without it, Fastify loads its own compilers, which take long. */
function noCompiler(): never {
  throw new Error('routes have no schemas of this kind');
}

function isChange(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD';
}

function describeUnknown({ url, method }: FastifyRequest): ApiProblem {
  const path = url.split('?', 1)[0];
  const methods = ROUTES.filter(route => matches(route, path)).map(route => route.method);
  if (methods.length === 0) {
    return new ApiProblem(
      404,
      `There is nothing at ${path.slice(0, 200)}; /openapi.json says what there is.`,
    );
  }
  const allow = methods.includes('GET') ? [...methods, 'HEAD'] : methods;
  return new ApiProblem(405, `${path} can not be called with ${method}, only with ${allow.join(', ')}.`, {
    headers: { allow: allow.join(', ') },
  });
}

function matches({ path }: Route, called: string): boolean {
  const wanted = path.split('/');
  const parts = called.split('/');
  return (
    parts.length === wanted.length && wanted.every((part, i) => part.startsWith('{') || part === parts[i])
  );
}

function explainStoreError(error: StoreError): ApiProblem {
  if (error.kind === 'full') return new ApiProblem(507, `The change can not be kept: ${error.message}`);
  return new ApiProblem(503, `The change can not be kept: ${error.message}`);
}

/** What is no HTTP, or not all of it. */
function explainClientError({ code }: NodeJS.ErrnoException): ApiProblem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new ApiProblem(408, 'The request did not come to its end in time.');
  if (code === 'HPE_HEADER_OVERFLOW') return new ApiProblem(431, 'The header fields are too long.');
  return new ApiProblem(400, `The request is not HTTP (${code}).`);
}

function stream(reply: FastifyReply, open: (sink: LineSink) => () => void): void {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { ...ANSWER_HEADERS, 'content-type': 'application/x-ndjson' });
  raw.on('close', open(lineSinkOf(raw)));
  raw.on('error', () => {});
}

function refuse(socket: Socket, problem: ApiProblem): void {
  if (!socket.writable) return void socket.destroy();
  const body = JSON.stringify(problem.toJson());
  const headers = {
    ...ANSWER_HEADERS,
    ...problem.headers,
    'content-type': PROBLEM_TYPE,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${problem.status} ${problem.toJson().title}\r\n${lines.join('')}\r\n${body}`);
  socket.destroySoon();
}
