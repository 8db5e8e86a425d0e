import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { builtBundle } from '../bench/bundle.ts';
import { exitWith, progress, temporaryFolder, withOptions } from '../bench/command.ts';
import { describeMachine } from '../bench/machine.ts';
import type { Absent } from '../bench/peers/tested-proxy.ts';
import { renderMachine } from '../bench/report.ts';
import { Load } from './load.ts';
import { type Options, parseOptions, USAGE } from './options.ts';
import { envoy } from './peers/envoy.ts';
import { haproxy } from './peers/haproxy.ts';
import { nginx } from './peers/nginx.ts';
import { outrider } from './peers/outrider.ts';
import type { TunedProxy } from './peers/tuned-proxy.ts';
import { putIntoPage, renderPage, renderScenario, type ScenarioResult, scenarioToJson } from './report.ts';
import { SCENARIOS } from './scenarios.ts';
import { USUAL_FAULT_MS } from './stage.ts';
import { type Trial, tryOut } from './trial.ts';

const PAGE = fileURLToPath(new URL('../../docs/resilience.md', import.meta.url));

/**
 * `npm run faults`: what callers see of what their upstreams do, through Outrider, and through other proxies in the same run.
 * @returns 1 where requests failed though nothing was wrong; what is promised and not met is said, and no error
 */
async function tryAll(options: Options): Promise<number> {
  const folder = temporaryFolder('faults');
  const found = findProxies(options);
  const proxies = found.filter((proxy): proxy is TunedProxy => !('absent' in proxy));
  const versions = Object.fromEntries(
    found.map(proxy => [proxy.name, 'absent' in proxy ? `skipped: ${proxy.absent}` : proxy.version]),
  );
  const command = ['npm run faults --', ...process.argv.slice(2)].join(' ');
  const machine = describeMachine(null);
  const about = renderMachine(machine, versions, command);
  console.log(about);
  if (options.faultMs !== USUAL_FAULT_MS)
    console.log(`note      what is expected is expected of faults of ${USUAL_FAULT_MS / 1000} s`);

  const load = await Load.start();
  const results: ScenarioResult[] = [];
  for (const scenario of SCENARIOS.filter(({ name }) => options.only.includes(name))) {
    const rows = new Map<string, Trial>();
    for (const proxy of proxies) {
      progress(`${scenario.name}, ${proxy.name}`);
      const tuned = proxy.tunedFor(scenario.needs);
      rows.set(proxy.name, await tryOut(tuned, scenario, options.faultMs, load, folder));
    }
    progress('');
    results.push({ scenario, rows });
    console.log(`\n${renderScenario({ scenario, rows })}`);
  }
  await load.stop();
  if (options.json !== null) {
    const scenarios = results.map(scenarioToJson);
    writeFileSync(options.json, `${JSON.stringify({ machine, versions, command, scenarios }, null, 2)}\n`);
  }
  if (options.write) {
    const date = new Date().toISOString().slice(0, 10);
    const tables = renderPage(results, [...about.split('\n'), `date      ${date}`]);
    writeFileSync(PAGE, putIntoPage(readFileSync(PAGE, 'utf8'), tables));
  }
  return results.some(({ rows }) => [...rows.values()].some(({ failedBefore }) => failedBefore > 0)) ? 1 : 0;
}

function findProxies({ proxies, bundle, node, policy }: Options): (TunedProxy | Absent)[] {
  return proxies.flatMap(name => {
    switch (name) {
      case 'outrider':
        return [outrider({ bundle: bundle ?? builtBundle(), node }, policy)];
      case 'haproxy':
        return [haproxy()];
      case 'nginx':
        return [nginx()];
      case 'envoy':
        return [envoy()];
      default:
        return [];
    }
  });
}

exitWith(withOptions(process.argv.slice(2), parseOptions, USAGE, tryAll));
