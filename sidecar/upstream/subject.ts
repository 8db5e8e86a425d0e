import type { Endpoint } from './endpoint.ts';

/**
 * Whom a failure's detail speaks of. Hosts that no upstream is configured for are named as they were called, and that is said:
 * a name that was mistyped is found that way.
 */
export function subject(upstream: string, endpoint: Endpoint): string {
  if (upstream !== endpoint.name) return upstream;
  return `${upstream} (no upstream has that name, so it was called as it is)`;
}
