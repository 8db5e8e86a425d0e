import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { readMeshCounters, sumOfMetric } from '../../../../examples/shop/runner/mesh-counters.ts';

const PAGE = `# HELP outrider_requests_total Requests.
# TYPE outrider_requests_total counter
outrider_requests_total{upstream="orders",status="2xx"} 40
outrider_requests_total{upstream="kit } chen",status="5xx"} 2 1700000000000
outrider_requests_total_of_another_kind 1000
outrider_retries_total 7
outrider_stale_replays_total 3
outrider_fallbacks_total{upstream="kitchen",kind="static"} 2
`;

describe('the counters of the mesh', () => {
  it('are summed over labels and nothing else', () => {
    assert.equal(sumOfMetric(PAGE, 'outrider_requests_total'), 42);
    assert.equal(sumOfMetric(PAGE, 'outrider_retries_total'), 7);
    assert.equal(sumOfMetric(PAGE, 'outrider_nothing_total'), 0);
  });

  it('are summed over sidecars, and unknown where one does not answer', async () => {
    const server = createServer((_, response) => response.end(PAGE));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    assert.deepEqual(await readMeshCounters([url, url]), {
      requests: 84,
      retries: 14,
      replays: 6,
      fallbacks: 4,
    });
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
    assert.equal(await readMeshCounters([url]), null);
  });
});
