/** What all sidecars together have counted so far. */
export interface MeshCounters {
  /** Requests that applications handed to their sidecars. */
  readonly requests: number;
  /** Attempts beyond the first one of a request. */
  readonly retries: number;
  /** Requests that were sent anew because a reused connection was closed under them. */
  readonly replays: number;
  /** Requests to which something else was answered, because who should have did not. */
  readonly fallbacks: number;
}

/** Asks every sidecar's `/metrics`; null where one did not answer. */
export async function readMeshCounters(adminUrls: readonly string[]): Promise<MeshCounters | null> {
  try {
    const pages = await Promise.all(
      adminUrls.map(async url =>
        (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(2000) })).text(),
      ),
    );
    const sum = (metric: string) => pages.reduce((total, page) => total + sumOfMetric(page, metric), 0);
    return {
      requests: sum('outrider_requests_total'),
      retries: sum('outrider_retries_total'),
      replays: sum('outrider_stale_replays_total'),
      fallbacks: sum('outrider_fallbacks_total'),
    };
  } catch {
    return null;
  }
}

/** The sum of a metric's samples, whatever their labels, in Prometheus' text format. */
export function sumOfMetric(page: string, metric: string): number {
  let sum = 0;
  for (const line of page.split('\n')) {
    if (!line.startsWith(`${metric}{`) && !line.startsWith(`${metric} `)) continue;
    sum += Number(
      line
        .slice(line.lastIndexOf('}') + 1 || metric.length)
        .trim()
        .split(' ', 1)[0],
    );
  }
  return sum;
}
