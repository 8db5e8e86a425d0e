import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allCommands } from '../../bin/command-line.ts';
import { formatHelp, formatOverview } from '../../command-line/help.ts';

const COMMANDS = await allCommands();

test('the overview names every command that there is, and none that there is not', () => {
  const overview = formatOverview(COMMANDS);
  for (const { name, summary } of COMMANDS) assert.ok(overview.includes(name) && overview.includes(summary));
  assert.doesNotMatch(overview, /outrider (control-plane|run|wait|apply)/);
});

for (const command of COMMANDS) {
  test(`the help of ${command.name} fits a terminal and tells of every flag, its default and its variable`, () => {
    const help = formatHelp(command);
    for (const line of help.split('\n')) assert.ok(line.length <= 100, line);
    const running = help.replace(/\s+/g, ' ');
    for (const { name, variable, default: fallback, description } of command.flags) {
      assert.ok(running.includes(`--${name}`));
      assert.ok(running.includes(description));
      assert.match(variable, /^OUTRIDER_[A-Z_]+$/);
      assert.ok(running.includes(`$${variable}`));
      if (fallback !== null) assert.ok(running.includes(`default ${fallback}`));
    }
    assert.ok(running.includes('-h, --help') && running.includes('-V, --version'));
    assert.ok(
      command.examples.length > 0 && command.examples.every(({ command: line }) => help.includes(line)),
    );
  });
}

test('the environment variable of a flag is named after it', () => {
  const others = COMMANDS.flatMap(command =>
    command.flags
      .filter(({ name, variable }) => variable !== `OUTRIDER_${name.toUpperCase().replaceAll('-', '_')}`)
      .map(({ name, variable }) => `${command.name} --${name}: ${variable}`),
  );
  // OUTRIDER_LISTEN is the sidecar's, which may run beside it.
  assert.deepEqual(others, ['control-plane --listen: OUTRIDER_CONTROL_PLANE_LISTEN']);
});
