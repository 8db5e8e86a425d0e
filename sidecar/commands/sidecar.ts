import type { Command } from '../../command-line/command.ts';
import { runSidecar } from '../main.ts';
import { Sidecar } from '../sidecar.ts';
import { SIDECAR_FLAGS, sidecarOptions } from './sidecar-flags.ts';

/** `outrider sidecar`. */
export const SIDECAR_COMMAND: Command = {
  name: 'sidecar',
  summary: 'Runs a sidecar: carries the outbound calls of the application beside it.',
  description: [
    'Runs a sidecar beside an application. The application calls the sidecar instead of other services: by a port per upstream (egress.ports), by host name on the shared port, or by having it as its HTTP proxy.',
    'Settings come from flags, from environment variables, from the sidecar file, and from defaults: what comes first in this list wins. A changed file is picked up while the sidecar runs, also on SIGHUP; one with an error is refused whole, and the old one stays in force.',
    'SIGTERM and SIGINT stop it: it carries what is under way to its end, for at most stop.grace (10s). A second signal ends it at once. Its own log goes to standard error, the access log to standard output, both as JSON lines.',
  ].join('\n\n'),
  operands: null,
  flags: SIDECAR_FLAGS,
  examples: [
    {
      description: 'Balance over two instances of inventory at port 8080',
      command: 'outrider sidecar --listen 127.0.0.1:8080 --upstream inventory=127.0.0.1:9001,127.0.0.1:9002',
    },
    {
      description: 'A port per upstream, with endpoints from DNS',
      command:
        'outrider sidecar --egress-port 9001=inventory --upstream inventory=dns:inventory.internal:8080',
    },
    {
      description: 'With a file, and the admin API where others can reach it',
      command: 'outrider sidecar --config outrider.yaml --admin 0.0.0.0:15000',
    },
  ],
  tellsWarnings: true,
  async run(invocation, host) {
    const options = { ...sidecarOptions(invocation, host), command: null };
    return await runSidecar(options, (config, context) => Sidecar.start(config, context));
  },
};
