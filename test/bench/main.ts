import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtBundle } from './bundle.ts';
import { exitWith, progress, temporaryFolder, withOptions } from './command.ts';
import { benchControlPlane } from './control-plane/bench.ts';
import { CONTROL_PLANE_USAGE, parseControlPlaneOptions } from './control-plane/options.ts';
import { type CpuProfile, renderSelfTimes, selfTimes } from './cpu-profile.ts';
import { LoadSide } from './load-side.ts';
import { describeMachine } from './machine.ts';
import { type Measurement, measure, type StoppedProxy } from './measurement.ts';
import { type Options, parseOptions, USAGE } from './options.ts';
import { envoy } from './peers/envoy.ts';
import { haproxy } from './peers/haproxy.ts';
import { nginx } from './peers/nginx.ts';
import { outrider } from './peers/outrider.ts';
import type { Absent, TestedProxy } from './peers/tested-proxy.ts';
import { planPinning } from './pinning.ts';
import { renderMachine, renderScenario, type ScenarioResult, scenarioToJson } from './report.ts';
import { SCENARIOS } from './scenarios.ts';

/** `npm run bench`: what a request costs through Outrider, and through other proxies on the same machine at the same time. */
async function main(): Promise<number> {
  const [what, ...rest] = process.argv.slice(2);
  if (what === 'control-plane')
    return await withOptions(rest, parseControlPlaneOptions, CONTROL_PLANE_USAGE, benchControlPlane);
  return await withOptions(process.argv.slice(2), parseOptions, USAGE, bench);
}

async function bench(options: Options): Promise<number> {
  const folder = temporaryFolder('bench');
  const plan = planPinning();
  const pinning = 'reason' in plan ? null : plan;
  const machine = describeMachine(plan);
  const found = findProxies(options);
  const proxies = found.filter((proxy): proxy is TestedProxy => !('absent' in proxy));
  const ownRows = ['outrider', ...options.variants.map(variant => variant.name)].filter(name =>
    proxies.some(proxy => proxy.name === name),
  );
  const nodeMajor = Number(
    /on Node (\d+)/.exec(proxies.find(proxy => proxy.name === ownRows[0])?.version ?? '')?.[1] ?? 0,
  );
  const versions = Object.fromEntries(
    found.map(proxy => [proxy.name, 'absent' in proxy ? `skipped: ${proxy.absent}` : proxy.version]),
  );
  const command = ['npm run bench --', ...process.argv.slice(2)].join(' ');
  console.log(renderMachine(machine, versions, command));

  const rows: (TestedProxy | null)[] = [...(options.proxies.includes('direct') ? [null] : []), ...proxies];
  const load = await LoadSide.start(pinning);
  const results: ScenarioResult[] = [];
  for (const scenario of SCENARIOS.filter(({ name }) => options.only.includes(name))) {
    const taken = new Map<string, Measurement[]>();
    const todo = scenario.kind === 'start' ? rows.filter(row => row !== null) : rows;
    for (const row of todo) taken.set(row?.name ?? 'direct', []);
    for (let round = 0; round < options.rounds; round++) {
      // Each round begins with another one, so that none always follows the same neighbour.
      for (let i = 0; i < todo.length; i++) {
        const row = todo[(i + round) % todo.length];
        const name = row?.name ?? 'direct';
        progress(`${scenario.name}, round ${round + 1} of ${options.rounds}, ${name}`);
        const profile = options.profile && ownRows.includes(name) ? printProfile : undefined;
        taken.get(name)?.push(await measure(row, scenario, options, load, pinning, folder, profile));
      }
    }
    progress('');
    const result = { scenario, rows: taken };
    results.push(result);
    console.log(`\n${renderScenario(result, ownRows, nodeMajor)}`);
  }
  await load.stop();
  if (options.json !== null) {
    const scenarios = results.map(result => scenarioToJson(result, ownRows, nodeMajor));
    writeFileSync(options.json, `${JSON.stringify({ machine, versions, command, scenarios }, null, 2)}\n`);
  }
  return results.some(({ rows }) => [...rows.values()].flat().some(hasErrors)) ? 1 : 0;
}

function hasErrors({ errors }: Measurement): boolean {
  return Object.keys(errors).length > 0;
}

function findProxies(options: Options): (TestedProxy | Absent)[] {
  const setup = {
    node: options.node,
    profile: options.profile,
    nodeArguments: options.nodeArguments,
    sidecarArguments: options.sidecarArguments,
  };
  return options.proxies.flatMap(name => {
    switch (name) {
      case 'direct':
        return [];
      case 'outrider':
        return [outrider({ ...setup, name, bundle: options.bundle ?? builtBundle() })];
      case 'bare':
        return [outrider({ ...setup, name, bundle: options.bundle ?? builtBundle(), isBare: true })];
      case 'haproxy':
        return [haproxy(options.peerLogs)];
      case 'nginx':
        return [nginx(options.peerLogs)];
      case 'envoy':
        return [envoy(options.peerLogs)];
      default: {
        const variant = options.variants.find(candidate => candidate.name === name);
        return variant === undefined ? [] : [outrider({ ...setup, name, bundle: variant.bundle })];
      }
    }
  });
}

/** Prints where the measured time went, from the file that the runtime wrote when it ended. */
function printProfile({ folder, result }: StoppedProxy): void {
  const file = readdirSync(folder).find(name => name.endsWith('.cpuprofile'));
  if (file === undefined) {
    console.log('no profile: the sidecar did not end by itself');
    return;
  }
  const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile;
  const { startedAtUs, seconds, requests } = result;
  const times = selfTimes(profile, startedAtUs, startedAtUs + seconds * 1e6);
  progress('');
  console.log(`\n${renderSelfTimes(times, PROFILE_LINES, requests)}`);
}

const PROFILE_LINES = 40;

exitWith(main());
