import type { AppConfig } from '../config/sidecar-config.ts';
import { checkApp } from '../registration/app-check.ts';
import { type Finding, failed, ok } from './finding.ts';

/** Whether the application answers its health check, as its registration will ask it. @param timeoutMs at most */
export async function checkApplication({ port, health }: AppConfig, timeoutMs: number): Promise<Finding> {
  const timeout = Math.min(health.timeout, timeoutMs);
  const problem = await checkApp(port, { ...health, timeout }, new AbortController().signal);
  const how = health.path === null ? 'accepts connections' : `is well by GET ${health.path}`;
  if (problem === null) return ok(`${how} at 127.0.0.1:${port}`);
  const answers = /^answers \d/.test(problem);
  return failed(
    `the application ${problem}`,
    answers
      ? 'Its own log says why; or correct app.health.path, which has to be answered with 2xx.'
      : 'Start it, or correct app.port (--port). In compose, one that joined the network of a sidecar which was restarted since listens in a network of its own: docker compose up -d --force-recreate.',
  );
}
