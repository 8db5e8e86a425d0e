import { table } from './table.ts';

/** A V8 CPU profile as `--cpu-prof` writes it: times in microseconds of the monotonic clock. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** A function's own time in a profile. */
export interface SelfTime {
  readonly name: string;
  readonly us: number;
  /** Of the time that was not idle. */
  readonly share: number;
}

/** The functions of a profile by their own time, the largest first, counting only samples within the given time. */
export function selfTimes(profile: CpuProfile, fromUs: number, toUs: number): SelfTime[] {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, frameName(callFrame)]));
  const sums = new Map<string, number>();
  let now = profile.startTime;
  profile.samples.forEach((sample, i) => {
    // A delta is the time since the sample before: it belongs to what was sampled then.
    now += profile.timeDeltas[i];
    const next = profile.timeDeltas[i + 1] ?? 0;
    if (now < fromUs || now > toUs) return;
    const name = names.get(sample) ?? '?';
    sums.set(name, (sums.get(name) ?? 0) + next);
  });
  sums.delete('(idle)');
  const whole = [...sums.values()].reduce((a, b) => a + b, 0);
  return [...sums].map(([name, us]) => ({ name, us, share: us / whole })).sort((a, b) => b.us - a.us);
}

/** The first `count` functions as a table, in microseconds per request. */
export function renderSelfTimes(times: readonly SelfTime[], count: number, requests: number): string {
  const rows = times
    .slice(0, count)
    .map(({ name, us, share }) => [name, `${(share * 100).toFixed(1)} %`, (us / requests).toFixed(2)]);
  return table(['function', 'self', 'µs/req'], rows);
}

function frameName({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  return url === '' ? name : `${name} ${url.slice(url.lastIndexOf('/') + 1)}:${lineNumber + 1}`;
}
