// An application that answers after 5 ms, unless it is told otherwise by a line on standard input:
// `node faulty-app.js NAME PORT [later] [reports]`. Writes the port that it listens on; with `later`, it does that once it is told `listen`. Ends with its parent, and on SIGTERM once it has answered what it was asked.
// `?id=7&length=130` asks for an answer of 130 bytes that names the request. What becomes of such requests is told on descriptor 3
// at once, so that a kill can't take it back: `got ID`, `good ID` (answered with 200), `off ID` (given up before), and `met` for a
// connection that it closed.
import { writeSync } from 'node:fs';
import { createServer } from 'node:http';

const [, , name, port, ...told] = process.argv;
const ANSWERS_AFTER_MS = 5;
const WORKERS = 10;
const WORK_MS = 20;
let mode = 'ok';
let isStopping = false;
let hiccups = 0;

const tell = told.includes('reports') ? line => writeSync(3, `${line}\n`) : () => {};

const server = createServer({ noDelay: true }, (request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://app');
  const id = searchParams.get('id');
  const length = Number(searchParams.get('length') ?? 0);
  if (id !== null) {
    tell(`got ${id}`);
    response.on('close', () => {
      if (!response.writableFinished) tell(`off ${id}`);
    });
  }
  const answer = status => {
    if (response.destroyed) return;
    if (isStopping) response.shouldKeepAlive = false;
    if (id !== null && status === 200) tell(`good ${id}`);
    const body = id === null ? name : bodyOf(id, length);
    // The connection is named so that Node does not say for how long it is kept: most servers don't.
    response.writeHead(status, {
      'content-type': 'text/plain',
      'content-length': body.length,
      connection: response.shouldKeepAlive ? 'keep-alive' : 'close',
    });
    response.end(body);
  };
  const answerLater = status => setTimeout(answer, ANSWERS_AFTER_MS, status);
  const { socket } = request;
  switch (mode) {
    case 'unavailable':
      return answer(503);
    case 'flaky':
      return answerLater(Math.random() < 0.3 ? 503 : 200);
    case 'failing':
      return answerLater(500);
    case 'half-failing':
      return answerLater(Math.random() < 0.5 ? 500 : 200);
    case 'reset':
      return request.on('end', () => socket.resetAndDestroy()).resume();
    case 'slow':
      return setTimeout(answer, 1_000 + ANSWERS_AFTER_MS, 200);
    case 'hiccups':
      return setTimeout(answer, ++hiccups % 6 === 0 ? 300 : ANSWERS_AFTER_MS, 200);
    case 'trickle': {
      const body = id === null ? name : bodyOf(id, length);
      const head = Array.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      const next = () => {
        const character = head.shift();
        if (character === undefined || socket.destroyed) return;
        socket.write(character);
        setTimeout(next, 100);
      };
      return next();
    }
    case 'tear': {
      const whole = id === null ? 'x'.repeat(1_000_000) : bodyOf(id, length);
      response.writeHead(200, { 'content-length': whole.length });
      response.write(whole.slice(0, whole.length / 2));
      return setTimeout(() => socket.resetAndDestroy(), ANSWERS_AFTER_MS);
    }
    case 'workers':
      return work(() => answer(200));
    default:
      // A path that says so is slow by nature.
      return pathname.startsWith('/long') ? setTimeout(answer, 2_000, 200) : answerLater(200);
  }
});
server.keepAliveTimeout = 60_000;
// Newer versions of Node keep connections for a second longer than that.
server.keepAliveTimeoutBuffer = 0;
server.on('connection', socket => {
  if (mode !== 'close') return;
  tell('met');
  socket.destroy();
});
server.on('error', error => {
  console.error(error.message);
  process.exit(1);
});
const listen = () => server.listen(Number(port), '127.0.0.1', () => console.log(server.address().port));
if (told.includes('later')) console.log('ready');
else listen();

/** Names the request, so that an answer that went to another one would be seen; see `answerOf` in faulty-app.ts. */
function bodyOf(id, length) {
  return `answer to ${id}.`.padEnd(length, '.');
}

/** When each of the workers is free again, by what they have taken on: the queue has no limit. */
const freeAt = new Array(WORKERS).fill(0);

/** Has the next free worker do it. Counts with the time at which the work should be done, so that late timers cost no capacity. */
function work(done) {
  const now = performance.now();
  const worker = freeAt.indexOf(Math.min(...freeAt));
  freeAt[worker] = Math.max(now, freeAt[worker]) + WORK_MS;
  setTimeout(done, freeAt[worker] - now);
}

process.stdin.setEncoding('utf8');
process.stdin.on('data', text => {
  if (text.trim() === 'listen') return listen();
  mode = text.trim();
  if (mode === 'close') server.closeAllConnections();
  // An idle connection is closed after 1 s.
  if (mode === 'short-idle') server.keepAliveTimeout = 1_000;
  console.log(mode);
});
process.stdin.on('end', () => process.exit());
process.on('SIGTERM', () => {
  isStopping = true;
  server.close(() => process.exit());
});
