import { nearest } from '../control-plane/contract/nearest.ts';
import type { Command, VariableWarning } from './command.ts';

const PREFIX = 'OUTRIDER_';

/**
 * The environment variables that no flag has, and that look like one of a command's flags. What looks like none is left alone: an
 * orchestrator may have set it, or a file may refer to it.
 * @param allCommands asked only where there may be one, as that loads them
 */
export async function findMistyped(
  command: Command,
  environment: Readonly<Record<string, string | undefined>>,
  allCommands: () => Promise<readonly Command[]>,
): Promise<VariableWarning[]> {
  const own = namesOf([command]);
  const suspects = Object.keys(environment)
    .filter(variable => variable.startsWith(PREFIX) && (environment[variable] ?? '').trim() !== '')
    .map(variable => variable.slice(PREFIX.length))
    .filter(name => !own.includes(name) && nearest(name, own) !== null);
  if (suspects.length === 0) return [];
  const known = namesOf(await allCommands());
  return suspects.flatMap(name => {
    // One of another command's is the business of that command.
    const meant = known.includes(name) ? null : nearest(name, known);
    if (meant === null || !own.includes(meant)) return [];
    const message = `no flag has this variable, so it says nothing; did you mean ${PREFIX}${meant}?`;
    return [{ variable: `${PREFIX}${name}`, message }];
  });
}

/** Their variables, without what all have in common. */
function namesOf(commands: readonly Command[]): string[] {
  return commands.flatMap(({ flags }) => flags.map(({ variable }) => variable.slice(PREFIX.length)));
}
