// An application that says who it is: `node named-app.js NAME PORT`. On SIGTERM it ends as well-behaved ones do: it answers
// what it has been asked, and accepts no more. It does not outlive whoever holds its standard input.
import { createServer } from 'node:http';

const [name, port] = process.argv.slice(2);
let isClosing = false;
const server = createServer({ noDelay: true }, (request, response) => {
  request.resume();
  request.on('end', () =>
    // Long enough that there is always something under way.
    setTimeout(() => {
      if (isClosing) response.setHeader('connection', 'close');
      response.end(`${name} ${request.method} ${request.url}`);
    }, 2),
  );
});
// What a sidecar finds closed is another test's business.
server.keepAliveTimeout = 60_000;
server.listen(Number(port), '127.0.0.1', () => console.log('ready'));
process.on('SIGTERM', () => {
  isClosing = true;
  server.close(() => process.exit(0));
});
process.stdin.on('end', () => process.exit(1)).resume();
