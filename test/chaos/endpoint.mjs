// @ts-check
/**
 * An endpoint as a process of its own, to be killed: `node endpoint.mjs PORT FILE`. Sends back the path of each request, and
 * notes each POST as a line of the file before it answers. Not TypeScript, so that it is up again within a moment.
 */
import { openSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, file] = process.argv.slice(2);
const noted = openSync(String(file), 'a');

let isStopping = false;

const server = createServer((request, response) => {
  // Or a connection that is busy when the server closes would be used on and on.
  if (isStopping) response.setHeader('Connection', 'close');
  request.resume();
  request.on('end', () => {
    if (request.method === 'POST') writeSync(noted, `${request.url}\n`);
    response.end(request.url);
  });
});
server.listen(Number(port), '127.0.0.1', () => console.log('listens'));

process.on('SIGTERM', () => {
  isStopping = true;
  server.close(() => process.exit());
});
