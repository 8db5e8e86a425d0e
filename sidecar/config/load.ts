import { hasErrors, sortProblems } from '../../control-plane/contract/problem.ts';
import { read } from '../../control-plane/contract/read.ts';
import type { LoadedFile, SourceFile } from '../../control-plane/contract/source-file.ts';
import type { MapNode } from '../../control-plane/contract/source-tree.ts';
import { wholeOf } from '../../control-plane/contract/source-tree.ts';
import { crossCheck } from './cross-checks.ts';
import { overlay } from './overlay.ts';
import { resolveSidecarFile } from './resolve.ts';
import type { SidecarConfig } from './sidecar-config.ts';
import { SIDECAR_FILE_SCHEMA } from './sidecar-file.ts';

/** What a sidecar's configuration is made of. */
interface ConfigSources {
  /** The sidecar file; null where there is none. */
  readonly file: SourceFile | null;
  /** What environment variables and flags say, weakest first. */
  readonly overrides: readonly MapNode[];
}

/** Judges a sidecar's whole configuration. Refused whole where there is an error in one place. */
export function loadSidecarConfig({ file, overrides }: ConfigSources): LoadedFile<SidecarConfig> {
  const source = file ?? NO_FILE;
  if (source.root === null)
    return { value: null, problems: sortProblems(source.problems), lines: source.lines };
  const root = overrides.reduce(overlay, source.root);
  const { value, problems, written } = read(SIDECAR_FILE_SCHEMA, root);
  const all = sortProblems([...source.problems, ...problems, ...crossCheck(value, written, root.at)]);
  return { value: hasErrors(all) ? null : resolveSidecarFile(value), problems: all, lines: source.lines };
}

const NO_FILE: SourceFile = {
  root: {
    kind: 'map',
    entries: [],
    at: wholeOf('configuration'),
  },
  problems: [],
  lines: [],
};
