/** Runs `sidecar/main.ts` with a stand-in for the data plane that says on standard output what it is told. */

import { ListenError } from '../../process/listen-error.ts';
import { settingsFromFlags } from '../../sidecar/commands/flag-settings.ts';
import type { SidecarConfig } from '../../sidecar/config/sidecar-config.ts';
import { runSidecar } from '../../sidecar/main.ts';

const behaviour = process.env.BEHAVIOUR ?? '';

function tell(what: string, config?: SidecarConfig): void {
  process.stdout.write(`${what}${config === undefined ? '' : ` ${config.service}`}\n`);
}

const { overrides, problems } = settingsFromFlags({ flags: new Map(), operands: [] });
const code = await runSidecar(
  {
    command: null,
    configFile: process.env.FILE ?? null,
    overrides,
    problems,
    logLevel: 'info',
    environment: process.env,
    version: '1.2.3',
    complain: text => process.stderr.write(text),
  },
  async config => {
    if (behaviour === 'taken') {
      const error = Object.assign(new Error('listen'), { code: 'EADDRINUSE' });
      throw new ListenError(error, '127.0.0.1', 15_001, 'egress.listen (--listen)');
    }
    tell('started', config);
    const life = setInterval(() => {}, 1000);
    if (behaviour === 'bug') setTimeout(() => tell((undefined as unknown as string[])[0]), 50);
    return {
      async apply(next) {
        if (next.service === 'impossible') throw new Error('the port is in use');
        tell('applied', next);
      },
      inFlight: 0,
      grace: 0,
      async drain() {},
      noteRefused: reason => tell(`refused ${reason}`),
      async stop() {
        tell('stopping');
        if (behaviour === 'hangs') await new Promise(() => {});
        clearInterval(life);
      },
    };
  },
);
tell(`code ${code}`);
process.exit(code);
