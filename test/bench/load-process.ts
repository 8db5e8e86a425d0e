import { LoadGenerator } from './load-generator.ts';
import type { LoadPlan, LoadResult } from './load-plan.ts';
import { UpstreamServers } from './upstream-server.ts';

/**
 * The process on the core beside the proxy's: the endpoints and the load generator share one event loop, so that
 * neither ever waits for the scheduler to take the core away from the other.
 */
export type FromLoadProcess =
  | { readonly kind: 'ready'; readonly upstreams: readonly number[] }
  | { readonly kind: 'result'; readonly result: LoadResult }
  | { readonly kind: 'failed'; readonly reason: string };

const upstreams = await UpstreamServers.start(3);

process.on('message', (plan: LoadPlan) => {
  new LoadGenerator(plan, upstreams.gate).run().then(
    result => tell({ kind: 'result', result }),
    (error: Error) => tell({ kind: 'failed', reason: error.message }),
  );
});
process.on('disconnect', () => process.exit());
// Ctrl-C reaches the whole terminal group; the bench ends this process itself.
process.on('SIGINT', () => {});
tell({ kind: 'ready', upstreams: upstreams.ports });

function tell(message: FromLoadProcess): void {
  process.send?.(message);
}
