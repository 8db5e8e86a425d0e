import type { realPause, Victim } from './kills.ts';

/** When a service goes, after the shop has opened, and for how long it stays away. */
export const OUTAGE = { afterMs: 5_000, forMs: 6_000 };

/** What the outage needs of the world. */
interface OutageContext {
  readonly pause: typeof realPause;
  /** `kill` for each instance that goes, `back` where all serve again. */
  readonly onEvent: (kind: 'kill' | 'back', text: string) => void;
}

/** Kills every instance of a service at once, and starts all of them again a while later. Ends early where `signal` aborts. */
export async function takeAway(
  service: string,
  instances: readonly Victim[],
  { pause, onEvent }: OutageContext,
  signal: AbortSignal,
): Promise<void> {
  const victims = instances.filter(instance => instance.service === service);
  await pause(OUTAGE.afterMs, signal);
  if (signal.aborted) return;
  for (const { name } of victims) onEvent('kill', `${name} killed (SIGKILL)`);
  await Promise.all(victims.map(victim => victim.kill('SIGKILL')));
  await pause(OUTAGE.forMs, signal);
  if (signal.aborted) return;
  const started = await Promise.all(victims.map(victim => victim.start(signal)));
  if (started.every(isUp => isUp)) onEvent('back', `${service} is back`);
}
