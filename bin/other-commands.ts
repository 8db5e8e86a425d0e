import type { Command } from '../command-line/command.ts';
import { APPLY_COMMAND } from '../control-plane/commands/apply.ts';
import { CONTROL_PLANE_COMMAND } from '../control-plane/commands/control-plane.ts';
import { GET_COMMAND } from '../control-plane/commands/get.ts';
import { WAIT_COMMAND } from '../control-plane/commands/wait.ts';
import { ROLLOUT_COMMAND } from '../rollout/rollout-command.ts';
import { CHECK_COMMAND } from '../sidecar/commands/check.ts';
import { VALIDATE_COMMAND } from '../sidecar/commands/validate.ts';

/** The sub-commands that are loaded when they are asked for: whoever only carries requests does without them, and 2 MB of memory. */
export const OTHER_COMMANDS: readonly Command[] = [
  CONTROL_PLANE_COMMAND,
  APPLY_COMMAND,
  GET_COMMAND,
  WAIT_COMMAND,
  ROLLOUT_COMMAND,
  VALIDATE_COMMAND,
  CHECK_COMMAND,
];
