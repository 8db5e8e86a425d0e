import type { Static, TSchema, TUnsafe } from '@sinclair/typebox';
import { optional } from './setting.ts';

/** A section that is in force with its defaults where it is absent, and that a word turns off: null inside. */
export function switchable<S extends TSchema>(
  setting: S,
  absence: { means: string; word: string },
): TUnsafe<Static<S> | null> {
  return optional(setting, { ...absence, isOn: true });
}
