import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TourPorts } from './tour-ports.ts';

test('every port that the commands name gets a free one of its own, and output gets the names back', async () => {
  const commands = `node -e "http.createServer(f).listen(9001)" & curl http://127.0.0.1:8080/ localhost:9002`;
  const ports = await TourPorts.for(commands);
  const free = ports.toFree(commands);
  assert.equal(new Set(free.match(/\d{5}/g)).size, 3);
  assert.doesNotMatch(free, /9001|9002|8080/);
  assert.equal(ports.toNamed(free), commands);
});

test('a port is replaced wherever it stands, other numbers stay', async () => {
  const ports = await TourPorts.for('curl 127.0.0.1:9001');
  const [free] = ports.toFree('9001').match(/\d+/) ?? [];
  assert.equal(
    ports.toFree('ports: { 9001: inventory } 90010 8080'),
    `ports: { ${free}: inventory } 90010 8080`,
  );
});
