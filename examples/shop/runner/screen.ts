import type { ChildState } from './child.ts';
import type { Latencies } from './latencies.ts';
import type { MeshCounters } from './mesh-counters.ts';
import type { ShopEvent } from './tally.ts';

/** All that the summary shows, at one moment. */
export interface Snapshot {
  readonly elapsedMs: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly heldBack: number;
  readonly inFlight: number;
  readonly kills: number;
  /** Answers per second, of late. */
  readonly perSecond: number;
  readonly recent: Latencies;
  readonly overall: Latencies;
  /** Null until the sidecars were asked for the first time. */
  readonly mesh: MeshCounters | null;
  readonly instances: readonly InstanceView[];
  readonly events: readonly ShopEvent[];
}

interface InstanceView {
  readonly service: string;
  readonly name: string;
  readonly state: ChildState;
}

const LABEL_WIDTH = 10;
const SHOWN_EVENTS = 8;

/** The live summary: at most `rows` lines of at most `columns` characters; what gives way is the oldest events. */
export function renderScreen(snapshot: Snapshot, columns: number, rows: number): string[] {
  const lines = [
    label('running', `${duration(snapshot.elapsedMs)}, Ctrl-C ends it`),
    label('requests', requests(snapshot)),
    label('last 10 s', `${latencies(snapshot.recent)}   ${snapshot.perSecond.toFixed(0)}/s`),
    label('all', latencies(snapshot.overall)),
    label('sidecars', mesh(snapshot.mesh)),
    '',
    ...instances(snapshot.instances),
    '',
  ];
  const room = Math.min(rows - lines.length, SHOWN_EVENTS);
  if (room > 0) lines.push(...snapshot.events.slice(-room).map(eventLine));
  return lines.slice(0, rows).map(line => line.split('\n', 1)[0]?.slice(0, columns) ?? '');
}

/** The same in one line, for where there is no screen. */
export function renderLine(snapshot: Snapshot): string {
  return `${clock(snapshot.elapsedMs)} ${requests(snapshot)}, ${latencies(snapshot.recent)}, ${mesh(snapshot.mesh)}`;
}

/** What is left to say when the run is over. */
export function renderSummary(snapshot: Snapshot): string[] {
  return [
    '',
    label('ran for', `${duration(snapshot.elapsedMs)}, instances killed or stopped: ${snapshot.kills}`),
    label('requests', requests(snapshot)),
    label('latency', latencies(snapshot.overall)),
    label('sidecars', mesh(snapshot.mesh)),
  ];
}

export function eventLine(event: ShopEvent): string {
  return `${clock(event.atMs)} ${event.text}`;
}

function requests({ succeeded, failed, heldBack, inFlight }: Snapshot): string {
  const answered = succeeded + failed;
  const rate = answered === 0 ? '' : ` ${percent(succeeded, answered)} succeeded,`;
  const waiting = inFlight === 0 ? '' : `, ${inFlight} under way`;
  const held =
    heldBack === 0 ? '' : `, ${thousands(heldBack)} not sent (the machine is too slow for the rate)`;
  return `${thousands(answered)} requests,${rate} ${thousands(failed)} failed${waiting}${held}`;
}

/** Never says 100 % when something failed. */
function percent(part: number, whole: number): string {
  if (part === whole) return '100 %';
  return `${(Math.floor((part / whole) * 10_000) / 100).toFixed(2)} %`;
}

function latencies(of: Latencies): string {
  if (of.count === 0) return 'no latencies yet';
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map(share => milliseconds(of.percentile(share)));
  return `p50 ${p50}, p95 ${p95}, p99 ${p99}, max ${milliseconds(of.max)}`;
}

function mesh(counters: MeshCounters | null): string {
  if (counters === null) return 'no counters yet';
  const { requests, retries, replays, fallbacks } = counters;
  return `${thousands(requests)} requests carried, ${thousands(retries)} retries, ${thousands(replays)} stale connections replaced, ${thousands(fallbacks)} fallbacks`;
}

function instances(views: readonly InstanceView[]): string[] {
  const services = [...new Set(views.map(view => view.service))];
  return services.map(service => {
    const copies = views.filter(view => view.service === service);
    return label(service, copies.map(copy => `${copy.name} ${copy.state}`.padEnd(24)).join(''));
  });
}

function label(name: string, text: string): string {
  return `${name.padEnd(LABEL_WIDTH)}  ${text}`.trimEnd();
}

function milliseconds(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  return ms < 10_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** `1h 02m 03s`, `2m 03s`, `3s` */
function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const first = parts.findIndex((part, index) => part > 0 || index === 2);
  return parts
    .slice(first)
    .map((part, index) => `${index === 0 ? part : String(part).padStart(2, '0')}${'hms'[first + index]}`)
    .join(' ');
}

/** Time since the run began, `02:03` or `1:02:03`. */
function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = `${String(minutes).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
  return hours === 0 ? rest : `${hours}:${rest}`;
}

function thousands(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}
