/**
 * What a configuration says before anyone has asked whether it makes sense: maps, lists and scalars, each knowing
 * where it was written. YAML files, flags and environment variables all become such a tree, so that one reader
 * judges them and every complaint can point at its place.
 */
export type SourceNode = MapNode | ListNode | ScalarNode | BrokenNode;

export interface MapNode {
  readonly kind: 'map';
  readonly entries: readonly MapEntry[];
  readonly at: Place;
}

export interface MapEntry {
  readonly key: string;
  readonly keyAt: Place;
  readonly value: SourceNode;
}

export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly SourceNode[];
  readonly at: Place;
}

export interface ScalarNode {
  readonly kind: 'scalar';
  /** As YAML types it; null for nothing at all. */
  readonly value: string | number | boolean | null;
  /** As written, references to the environment filled in. */
  readonly text: string;
  /** The text came in part from the environment or from a flag: it is typed by what the setting wants, quoted or not. */
  readonly untyped: boolean;
  readonly at: Place;
}

/** Something of which it was said already what is wrong. */
export interface BrokenNode {
  readonly kind: 'broken';
  readonly at: Place;
}

/** Where something was written. */
export interface Place {
  /** A file's name as the user gave it, or the flag or environment variable. */
  readonly source: string;
  /** Line and column count from 1; both are 0 for what is not a file. */
  readonly line: number;
  readonly column: number;
  /** How many characters the thing takes on that line, at least 1. */
  readonly length: number;
}

/** The place of a source as a whole: of a file, or of what has no lines, as a flag or a request's query. */
export function wholeOf(source: string): Place {
  return { source, line: 0, column: 0, length: 1 };
}
