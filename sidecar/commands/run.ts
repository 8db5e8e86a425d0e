import type { Command } from '../../command-line/command.ts';
import { formatUsage } from '../../command-line/help.ts';
import { refuseUsage } from '../../command-line/refuse-usage.ts';
import { runSidecar } from '../main.ts';
import { Sidecar } from '../sidecar.ts';
import { SIDECAR_FLAGS, sidecarOptions } from './sidecar-flags.ts';

/** `outrider run`. */
export const RUN_COMMAND: Command = {
  name: 'run',
  summary: 'Runs an application with a sidecar around it, and stops both in the right order.',
  description: [
    'Runs a sidecar, and the application as its child as soon as the sidecar is ready. It takes what outrider sidecar takes. Standard streams, working directory and environment are passed through to the application. With --service, --port and --control-plane it is registered once it is healthy.',
    'SIGTERM, SIGINT and SIGQUIT stop both: callers leave the application and say so (3s at most), then it gets the signal, the sidecar carries its calls until it has ended, and ends last. An application that has not ended stop.grace (10s) after its signal is killed; so it is by a second signal, at once. SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH and SIGCONT go to the application alone; a changed sidecar file is picked up without a signal.',
    "When the application ends by itself, the sidecar deregisters it and ends too. The exit code is the application's, or 128 and the number of the signal that ended it; 127 where there is no such program, 126 where it can't be executed. Wrong usage or configuration is 2, and a sidecar that can't start is 1, in both cases without the application having been started.",
    "Standard output is the application's alone: the sidecar's log and the access log go to standard error, as JSON lines. In a container, let the engine's own init be the first process (init: true in compose), as outrider run does not reap processes that the application leaves behind.",
  ].join('\n\n'),
  operands: {
    placeholder: 'COMMAND…',
    description: 'The program to run, and its arguments.',
    isBehindDashes: true,
  },
  flags: SIDECAR_FLAGS,
  examples: [
    {
      description: 'Run a service of a mesh',
      command: 'outrider run --service orders --port 8080 --control-plane http://mesh:7600 -- node server.js',
    },
    {
      description: 'Run anything that calls inventory at port 9001, with endpoints from DNS',
      command:
        'outrider run --egress-port 9001=inventory --upstream inventory=dns:inventory:80 -- ./import.sh',
    },
  ],
  tellsWarnings: true,
  async run(invocation, host) {
    const [program, ...args] = invocation.operands;
    if (program === undefined)
      return refuseUsage(host, 'run', [`expected a command: ${formatUsage(RUN_COMMAND)}`]);
    const command = [program, ...args] as const;
    const options = { ...sidecarOptions(invocation, host), command };
    return await runSidecar(options, (config, context) => Sidecar.start(config, context));
  },
};
