import type { Problem } from './problem.ts';
import type { MapNode } from './source-tree.ts';

/** A file larger than this is a mistake, not a configuration. */
export const MAX_FILE_BYTES = 1024 * 1024;

/** A configuration file's bytes as a tree; null where there were problems that leave nothing to look at. */
export interface SourceFile {
  readonly root: MapNode | null;
  readonly problems: readonly Problem[];
  /** The file's text by lines, for excerpts; empty where it is no text. */
  readonly lines: readonly string[];
}

/** A configuration file after it was read and judged: null instead of a value where there are errors. */
export interface LoadedFile<T> {
  readonly value: T | null;
  /** Errors and warnings, sorted by place. */
  readonly problems: readonly Problem[];
  /** The file's text by lines, for excerpts. */
  readonly lines: readonly string[];
}
