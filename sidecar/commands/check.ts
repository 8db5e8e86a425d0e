import type { Command } from '../../command-line/command.ts';
import { formatTable } from '../../command-line/text-table.ts';
import { HIDDEN } from '../../control-plane/contract/print.ts';
import { formatFirstProblems } from '../../control-plane/contract/problem.ts';
import { allChecks } from '../checks/all-checks.ts';
import { type Finding, failed, type NamedFinding, ok, runChecks } from '../checks/finding.ts';
import { findRunningSidecar, type RunningSidecar } from '../checks/running-sidecar.ts';
import type { SidecarConfig } from '../config/sidecar-config.ts';
import { type ConfigRequest, loadRequested, readRequestedConfig } from '../requested-config.ts';
import { SIDECAR_FLAGS, sidecarOptions } from './sidecar-flags.ts';

/** How long one check may take. */
const CHECK_MS = 6000;
/** How long a sidecar that runs may take to tell of itself. */
const SIDECAR_MS = 2000;

/** `outrider check`. */
export const CHECK_COMMAND: Command = {
  name: 'check',
  summary: 'Checks what a sidecar needs around it: each thing ok, or the cause and the fix.',
  description: [
    'Looks at what a sidecar with these settings needs: the Node version, the configuration, a network besides lo, ports that are free, a control plane that answers and takes the token, a clock that agrees with its, an application that is healthy, and an address under which others reach it. It takes what outrider sidecar takes.',
    'It can be run before the sidecar is started, and beside one that runs, such as with docker compose exec: it then also tells what that one says is in its way, and, where there is no sidecar file, takes over the settings that it has in force and that flags do not say otherwise. Nothing is changed.',
    'Each line is ok, failed or skipped (with why). All checks are run, also when some fail; none takes longer than 6s. Exits with 0 where none has failed, with 2 for wrong usage and where the configuration is wrong, with 1 where another one has failed.',
  ].join('\n\n'),
  operands: null,
  flags: [
    ...SIDECAR_FLAGS.filter(({ name }) => name !== 'log-level' && name !== 'access-log'),
    {
      name: 'json',
      value: null,
      description: 'Prints one JSON object instead of a table.',
      default: null,
      isRepeatable: false,
      variable: 'OUTRIDER_JSON',
    },
  ],
  examples: [
    {
      description: 'Before a sidecar is started',
      command: 'outrider check --service orders --port 8080 --control-plane http://control-plane:7600',
    },
    { description: 'Beside one that runs', command: 'docker compose exec orders-sidecar outrider check' },
  ],
  tellsWarnings: true,
  async run(invocation, host) {
    const options = sidecarOptions(invocation, host);
    const given = invocation.flags.get('token')?.values[0] ?? null;
    const checked = await findWhatToCheck(options, given);
    const findings = await runChecks(allChecks(checked), CHECK_MS);
    const isFine = findings.every(({ result }) => result !== 'failed');
    if (invocation.flags.has('json'))
      host.print(`${JSON.stringify({ ok: isFine, checks: findings }, null, 2)}\n`);
    else host.print(describe(findings));
    if (isFine) return 0;
    return checked.configuration.result === 'failed' ? 2 : 1;
  },
};

/** @param token given by flag or environment */
async function findWhatToCheck(request: ConfigRequest, token: string | null) {
  const wrong = (configuration: Finding) => {
    return { configuration, config: null, token: null, running: null, runningConfig: null };
  };
  const requested = await readRequestedConfig(request);
  if (typeof requested === 'string') return wrong(failed(requested, 'Name a file that can be read.'));
  const { path, loaded } = requested;
  const problems = formatFirstProblems(loaded.problems).join('; ');
  if (loaded.value === null)
    return wrong(failed(problems, 'Correct it; outrider validate shows each place.'));
  const { admin } = loaded.value;
  const running = admin === null || admin.port === 0 ? null : await findRunningSidecar(admin, SIDECAR_MS);
  const runningConfig = running === null ? null : await configOf(running, NOTHING_ASKED);
  const joint = running === null || path !== null ? null : await configOf(running, request);
  const config = joint ?? loaded.value;
  const known = config.controlPlane?.token ?? '';
  const source = path ?? (joint === null ? 'no file' : 'no file, the settings of the sidecar that runs');
  const warnings = problems === '' ? '' : `; ${problems}`;
  return {
    configuration: ok(`${source}${warnings}`),
    config,
    token: known === HIDDEN ? token : known,
    running,
    runningConfig,
  };
}

const NOTHING_ASKED: ConfigRequest = { configFile: null, overrides: [], problems: [], environment: {} };

/** What a sidecar that runs has in force, under what is asked for besides; null where this version can't read it. */
async function configOf({ inForce }: RunningSidecar, request: ConfigRequest): Promise<SidecarConfig | null> {
  return (await loadRequested(request, 'the sidecar that runs', Buffer.from(inForce))).value;
}

function describe(findings: readonly NamedFinding[]): string {
  const rows = findings.flatMap(({ name, result, detail, fix }) => [
    [name, result, detail],
    ...(fix === null ? [] : [['', '', `fix: ${fix}`]]),
  ]);
  const count = findings.filter(({ result }) => result === 'failed').length;
  const table = formatTable(['CHECK', 'RESULT', 'WHAT IS FOUND'], rows);
  return count === 0 ? table : `${table}${count} of ${findings.length} checks failed.\n`;
}
