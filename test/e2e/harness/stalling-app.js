// An application that says who it is, as named-app.js does, and that is busy with something else most of the time: `node stalling-app.js
// NAME PORT`. What it is sent waits for up to 150 ms until it is read.
import { createServer } from 'node:http';

const [name, port] = process.argv.slice(2);
let isClosing = false;
const server = createServer({ noDelay: true }, (request, response) => {
  request.resume();
  request.on('end', () => {
    if (isClosing) response.setHeader('connection', 'close');
    response.end(`${name} ${request.method} ${request.url}`);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(Number(port), '127.0.0.1', () => console.log('ready'));
setInterval(() => {
  for (const end = performance.now() + 150; performance.now() < end; );
}, 200);
process.on('SIGTERM', () => {
  isClosing = true;
  server.close(() => process.exit(0));
});
process.stdin.on('end', () => process.exit(1)).resume();
