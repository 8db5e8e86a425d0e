import type { Command } from '../command-line/command.ts';
import { CLIENT_FLAGS } from '../control-plane/commands/api-client.ts';

/** `outrider rollout`. */
export const ROLLOUT_COMMAND: Command = {
  name: 'rollout',
  summary: 'Replaces the instances of a compose service by new ones, without a failed request.',
  description: [
    "Replaces the containers of a compose service by new ones, made of the compose file and the images as they are now (so build or pull first). New instances are started beside the old ones. When the control plane knows them as healthy, callers leave the old ones, one after another; each is stopped once every caller's sidecar has said that it has left it.",
    'Where a new one does not get healthy in time, has ended, or the command is interrupted, the new ones are taken away again and the old ones go on serving; the exit code is 1, and what was in the way is told. Where some old ones have gone by then, it stops there and says who serves. A second interrupt ends it at once.',
    'A service of the wrapped form (outrider run) gets as many new containers as run now. Of an application in the network of its sidecar (network_mode: service:…) both containers are replaced, whichever of the two is named: a temporary second pair takes over, the pair is started anew in its place, and the second one goes. One that was killed in the middle is resumed by running it again.',
    'It works by docker compose, or docker-compose where that is missing, and by docker for what compose can not do, to stop one container out of several. Services that publish a port of the host, use its network, or, in the wrapped form, have a fixed container_name or address are refused before anything is changed: two containers can not have the same. The control plane has to be reachable from here; the sidecar token will do.',
  ].join('\n\n'),
  operands: { placeholder: 'SERVICE', description: 'The service, as the compose file calls it.' },
  flags: [
    {
      name: 'dry-run',
      value: null,
      isRepeatable: false,
      variable: 'OUTRIDER_DRY_RUN',
      description: 'Says what would be done, and does nothing.',
      default: null,
    },
    {
      name: 'timeout',
      value: 'DURATION',
      isRepeatable: false,
      variable: 'OUTRIDER_TIMEOUT',
      description: 'How long new instances may take to be registered and healthy.',
      default: '1m',
    },
    {
      name: 'drain-timeout',
      value: 'DURATION',
      isRepeatable: false,
      variable: 'OUTRIDER_DRAIN_TIMEOUT',
      description: 'How long callers may take to say that they have left an old instance.',
      default: '30s',
    },
    {
      name: 'scale',
      value: 'N',
      isRepeatable: false,
      variable: 'OUTRIDER_SCALE',
      description: 'How many instances there are to be afterwards; in the wrapped form only.',
      default: 'as many as run',
    },
    {
      name: 'compose-file',
      short: 'f',
      value: 'FILE',
      isRepeatable: true,
      variable: 'OUTRIDER_COMPOSE_FILE',
      description: 'The compose file; compose finds it itself otherwise.',
      default: null,
    },
    {
      name: 'project-name',
      short: 'p',
      value: 'NAME',
      isRepeatable: false,
      variable: 'OUTRIDER_PROJECT_NAME',
      description: 'The compose project.',
      default: null,
    },
    {
      name: 'compose',
      value: 'COMMAND',
      isRepeatable: false,
      variable: 'OUTRIDER_COMPOSE',
      description:
        'The compose command, where both are there, or with flags of its own: "docker compose --env-file prod.env".',
      default: 'docker compose, else docker-compose',
    },
    ...CLIENT_FLAGS,
  ],
  examples: [
    { description: 'See what would be done', command: 'outrider rollout delivery --dry-run' },
    {
      description: 'Roll out an image that was pulled',
      command: 'docker compose pull delivery && outrider rollout delivery',
    },
  ],
  async run(invocation, host) {
    // A sidecar does without all this, and without the YAML parser in it.
    const { runRollout } = await import('./main.ts');
    return await runRollout(invocation, host);
  },
};
