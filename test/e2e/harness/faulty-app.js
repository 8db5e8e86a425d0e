// An application that answers after 5 ms, unless it is told otherwise by a line on standard input: `node faulty-app.js NAME`.
// Writes the port that it listens on. Ends with its parent.
import { createServer } from 'node:http';

const [, , name] = process.argv;
let mode = 'ok';

const server = createServer({ noDelay: true }, (request, response) => {
  const answer = status => {
    response.writeHead(status, { 'content-type': 'text/plain' });
    response.end(name);
  };
  switch (mode) {
    case 'unavailable':
      return answer(503);
    case 'flaky':
      return setTimeout(answer, 5, Math.random() < 0.3 ? 503 : 200);
    case 'slow':
      return setTimeout(answer, 1_005, 200);
    case 'trickle': {
      const head = Array.from(`HTTP/1.1 200 OK\r\nContent-Length: ${name.length}\r\n\r\n${name}`);
      const next = () => {
        const character = head.shift();
        if (character === undefined || request.socket.destroyed) return;
        request.socket.write(character);
        setTimeout(next, 100);
      };
      return next();
    }
    case 'tear':
      response.writeHead(200, { 'content-length': '1000000' });
      response.write('x'.repeat(500_000));
      return setTimeout(() => request.socket.resetAndDestroy(), 5);
    default:
      // A path that says so is slow by nature.
      return setTimeout(answer, request.url.startsWith('/long') ? 2_000 : 5, 200);
  }
});
server.keepAliveTimeout = 60_000;
server.on('connection', socket => {
  if (mode === 'close') socket.destroy();
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));

process.stdin.setEncoding('utf8');
process.stdin.on('data', text => {
  mode = text.trim();
  if (mode === 'close') server.closeAllConnections();
  console.log(mode);
});
process.stdin.on('end', () => process.exit());
