// What the shop's services share: a JSON API on node:http that can be asked for its health and stopped politely.
import { createServer } from 'node:http';

/** Thrown by a handler to answer with something else than a 200. */
export class HttpError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * Serves `routes` on HOST:PORT until a SIGTERM.
 * @param {string} name of the service
 * @param {Array<[method: string, path: RegExp, handle: (id: string, body: unknown) => Promise<unknown>]>} routes
 *   what `handle` resolves to is the answer's JSON; the path's first group is the id
 */
export function serve(name, routes) {
  let stopping = false;

  const server = createServer(async (request, response) => {
    let status = 200;
    let answer;
    try {
      answer = await dispatch(request);
    } catch (error) {
      status = error instanceof HttpError ? error.status : 500;
      answer = { error: `${name}: ${error.message}` };
      if (status === 500) console.error(error);
    }
    const json = Buffer.from(`${JSON.stringify(answer)}\n`);
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': json.length,
      ...(stopping ? { connection: 'close' } : {}),
    });
    response.end(json);
  });

  async function dispatch(request) {
    const path = request.url.split('?', 1)[0];
    const body = await readJson(request);
    if (path === '/healthz') {
      if (stopping) throw new HttpError(503, 'stopping');
      return { service: name, status: 'ok' };
    }
    const onPath = routes.filter(([, pattern]) => pattern.test(path));
    if (onPath.length === 0) throw new HttpError(404, `there is no ${path}`);
    const route = onPath.find(([method]) => method === request.method);
    if (route === undefined) throw new HttpError(405, `${path} does not take ${request.method}`);
    return route[2](route[1].exec(path)[1], body);
  }

  // Takes no more, finishes what runs, closes the connections that have nothing to do.
  function stop() {
    if (stopping) return;
    stopping = true;
    server.close(() => process.exit(0));
    server.closeIdleConnections();
    setTimeout(() => process.exit(1), 10_000).unref();
  }

  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  server.listen(Number(process.env.PORT ?? 8080), process.env.HOST ?? '127.0.0.1', () => {
    console.log(`${name} listens on ${server.address().address}:${server.address().port}`);
  });
}

async function readJson(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  if (chunks.length === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new HttpError(400, 'the body is not JSON');
  }
}
