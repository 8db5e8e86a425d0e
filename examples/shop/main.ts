import { announcement } from './runner/announcement.ts';
import { killNowAndThen, realPause } from './runner/kills.ts';
import { type MeshCounters, readMeshCounters } from './runner/mesh-counters.ts';
import { type Options, parseOptions, USAGE, UsageError } from './runner/options.ts';
import { takeAway } from './runner/outage.ts';
import { renderSummary, type Snapshot } from './runner/screen.ts';
import { Shop, StartError } from './runner/shop.ts';
import { Tally } from './runner/tally.ts';
import { Traffic } from './runner/traffic.ts';
import { View } from './runner/view.ts';

const COUNTERS_EVERY_MS = 2000;
/** Ctrl-C reaches this process once from the terminal and again from each program in between (npm, tsx). */
const SAME_SIGNAL_MS = 1000;
const ORPHAN_CHECK_EVERY_MS = 500;

process.exit(await main());

/** @returns the exit code: 0 only if no request failed and nothing crashed, 2 for arguments that make no sense */
async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2));
    if (options !== null) return await run(options);
    process.stdout.write(USAGE);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\n\n${USAGE}`);
      return 2;
    }
    if (error instanceof StartError) {
      process.stderr.write(`${error.message}\n`);
      return 1;
    }
    throw error;
  }
}

async function run(options: Options): Promise<number> {
  const end = new AbortController();
  let crashes = 0;
  endOnSignals(end);
  const shop = await Shop.prepare(options.port, what => {
    crashes += 1;
    process.stderr.write(`${what}\n`);
    end.abort();
  });

  say('Opening the shop …');
  if (!(await shop.open(end.signal))) {
    await shop.close();
    return 1;
  }

  const tally = new Tally(
    () => performance.now(),
    event => view.event(event),
  );
  const traffic = new Traffic(shop.gatewayUrl, options.rate, tally);
  let mesh: MeshCounters | null = null;
  const snapshot = (): Snapshot => {
    const recent = tally.recent();
    return {
      elapsedMs: tally.elapsedMs,
      succeeded: tally.succeeded,
      failed: tally.failed,
      heldBack: tally.heldBack,
      inFlight: traffic.inFlight,
      kills: tally.kills,
      perSecond: recent.perSecond,
      recent: recent.latencies,
      overall: tally.latencies,
      mesh,
      instances: shop.instances,
      events: tally.events,
    };
  };
  const view = new View(process.stdout, snapshot);
  const adminUrls = shop.sidecarAdmins.map(({ adminUrl }) => adminUrl);
  const countMesh = async () => {
    mesh = (await readMeshCounters(adminUrls)) ?? mesh;
  };

  await traffic.start();
  say(...announcement(shop));
  view.start();
  const counting = setInterval(countMesh, COUNTERS_EVERY_MS);
  const killing =
    options.outage !== null
      ? takeAway(options.outage, shop.instances, killsContext(tally), end.signal)
      : options.kills
        ? killNowAndThen(shop.instances, killsContext(tally), end.signal)
        : null;
  await ended(end, options.forMs);

  await Promise.all([traffic.stop(), killing]);
  clearInterval(counting);
  await countMesh();
  view.stop();
  const last = snapshot();
  await shop.close();
  say(...renderSummary(last));
  return tally.failed === 0 && crashes === 0 ? 0 : 1;
}

function killsContext(tally: Tally) {
  return {
    random: Math.random,
    now: () => performance.now(),
    pause: realPause,
    onEvent: (kind: 'kill' | 'back', text: string) => {
      if (kind === 'kill') tally.kills += 1;
      tally.event(text);
    },
  };
}

/** Waits until the time is up or something else has ended the run. */
async function ended(end: AbortController, forMs: number | null): Promise<void> {
  if (forMs === null) {
    await new Promise(resolve => {
      end.signal.addEventListener('abort', resolve);
      if (end.signal.aborted) resolve(null);
    });
    return;
  }
  await realPause(forMs, end.signal);
  end.abort();
}

/** The first signal closes the shop in good order, a second one at once: the leash ends whoever is left. */
function endOnSignals(end: AbortController): void {
  let firstAt = 0;
  const onSignal = () => {
    if (!end.signal.aborted) {
      firstAt = performance.now();
      end.abort();
    } else if (performance.now() - firstAt > SAME_SIGNAL_MS) {
      process.exit(130);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  // Nobody reads any more: `npm start | head`.
  process.stdout.on('error', () => end.abort());
  // Whoever started this is gone and could not say so: npm, killed.
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && end.abort(), ORPHAN_CHECK_EVERY_MS).unref();
}

function say(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
