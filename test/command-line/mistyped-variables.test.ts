import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command, Flag } from '../../command-line/command.ts';
import { findMistyped } from '../../command-line/mistyped-variables.ts';

function commandWith(...variables: string[]): Command {
  const flags = variables.map(
    (variable): Flag => ({
      name: 'x',
      value: 'X',
      isRepeatable: false,
      variable,
      description: '',
      default: null,
    }),
  );
  return {
    name: 'test',
    summary: '',
    description: '',
    operands: null,
    flags,
    examples: [],
    run: async () => 0,
  };
}

const OWN = commandWith('OUTRIDER_LISTEN', 'OUTRIDER_CONTROL_PLANE');
const OTHER = commandWith('OUTRIDER_CONTROL_PLANE_LISTEN', 'OUTRIDER_KIND');

async function suspectsOf(...variables: string[]): Promise<string[]> {
  const environment = Object.fromEntries(variables.map(variable => [variable, 'x']));
  const warnings = await findMistyped(OWN, environment, async () => [OWN, OTHER]);
  return warnings.map(({ variable, message }) => `${variable}: ${message}`);
}

test('names what was probably meant', async () => {
  const message = 'no flag has this variable, so it says nothing; did you mean';
  assert.deepEqual(
    await suspectsOf('OUTRIDER_LISTN', 'OUTRIDER_listen', 'OUTRIDER_CONTROLPLANE', 'OUTRIDER_LISTEN'),
    [
      `OUTRIDER_LISTN: ${message} OUTRIDER_LISTEN?`,
      `OUTRIDER_listen: ${message} OUTRIDER_LISTEN?`,
      `OUTRIDER_CONTROLPLANE: ${message} OUTRIDER_CONTROL_PLANE?`,
    ],
  );
});

test('leaves alone what is for another command, what looks like no flag, and what is not its own', async () => {
  assert.deepEqual(
    await suspectsOf(
      'OUTRIDER_CONTROL_PLANE_LISTEN',
      'OUTRIDER_CONTROL_PLANE_LISTE',
      'OUTRIDER_KND',
      'OUTRIDER_PORT_15001_TCP_ADDR',
      'LISTN',
    ),
    [],
  );
  assert.deepEqual(await findMistyped(OWN, { OUTRIDER_LISTN: ' ' }, async () => [OWN, OTHER]), []);
});

test('loads no other commands where nothing is suspected', async () => {
  const environment = { OUTRIDER_LISTEN: 'x', OUTRIDER_IMAGE: 'x', PATH: '/bin' };
  assert.deepEqual(await findMistyped(OWN, environment, () => assert.fail('loaded')), []);
});
