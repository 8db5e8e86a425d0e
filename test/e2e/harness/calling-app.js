// An application like named-app.js, that goes on calling others while it stops: `node calling-app.js NAME PORT`. On SIGTERM it tells
// the time on standard output, makes as many calls to http://CALLS/ as LAST_CALLS says, one after another through the proxy at PROXY,
// tells how many of them failed, and ends with 5.
import { createServer, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const [name, port] = process.argv.slice(2);
const { PROXY = '', CALLS = '', LAST_CALLS = '0' } = process.env;
const proxy = new URL(PROXY);

const server = createServer({ noDelay: true }, (request, response) => {
  request.resume();
  request.on('end', () => response.end(`${name} ${request.method} ${request.url}`));
});
server.keepAliveTimeout = 60_000;
server.listen(Number(port), '127.0.0.1', () => console.log('ready'));

function call(path) {
  return new Promise(resolve => {
    const options = { host: proxy.hostname, port: proxy.port, path: `http://${CALLS}${path}`, agent: false };
    get(options, answer => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode));
    }).on('error', error => resolve(error.message));
  });
}

process.once('SIGTERM', async () => {
  console.log(`told at ${Date.now()}`);
  server.close();
  const answers = [];
  for (let i = 0; i < Number(LAST_CALLS); i++) {
    answers.push(await call(`/last-words-${i}`));
    await sleep(10);
  }
  const failed = answers.filter(status => status !== 200);
  console.log(`called ${answers.length} times, ${failed.length} failed: ${failed.slice(0, 3)}`);
  process.exit(5);
});
process.stdin.on('end', () => process.exit(1)).resume();
