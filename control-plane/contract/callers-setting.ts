import { listOf, text } from './setting.ts';

/** Sidecars that a setting is for. */
export const CALLERS_SETTING = listOf(
  text(
    {
      expected: 'the name of a service, or the id of a sidecar',
      form: 'name',
      pattern: '^[^\\s\\u0000-\\u001f\\u007f-\\u009f]{1,128}$',
      guess: () => null,
    },
    { description: 'A calling service, or one sidecar by its id (`outrider get sidecars`).' },
  ),
  { description: 'Whose sidecars it is for; without any, all of them.', max: 256 },
);
