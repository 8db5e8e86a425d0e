import { createHash } from 'node:crypto';
import type { StoreRecord } from '../registry/stored-state.ts';
import type { CommitHead, StoreRevision } from './store.ts';

/**
 * The journal as bytes: a line per commit, each a check and a JSON document. The check also covers the check of the line
 * before, so that a line which was changed, lost, repeated or moved is noticed at any place. The first line says what the
 * file is.
 */

/** The form of the journal; grows with a change that an earlier version could not read. */
const FORMAT = 1;

/** What one line says. */
export interface Commit extends CommitHead {
  readonly storeRevision: StoreRevision;
  readonly records: readonly StoreRecord[];
}

/** The beginning of a journal, and the check that its first commit is chained to. */
export function encodeHeader(): { line: Buffer; check: string } {
  return encodeLine('', { outrider: 'registry', format: FORMAT });
}

/** @param before the check of the line before */
export function encodeCommit(before: string, commit: Commit): { line: Buffer; check: string } {
  return encodeLine(before, commit);
}

type ReadJournal =
  | {
      readonly kind: 'whole';
      readonly commits: readonly Commit[];
      /** The last line's. */
      readonly check: string;
      /** How many bytes are whole; what follows is part of a commit that a crash cut off, and that nobody was told of. */
      readonly length: number;
    }
  | { readonly kind: 'damaged'; readonly what: string }
  | { readonly kind: 'newer'; readonly format: number };

export function readJournal(bytes: Buffer): ReadJournal {
  if (bytes.length === 0) return { kind: 'damaged', what: 'it is empty' };
  const commits: Commit[] = [];
  let check = '';
  let at = 0;
  for (let line = 1; at < bytes.length; line++) {
    const end = bytes.indexOf(NEWLINE, at);
    const read = end < 0 ? null : decodeLine(check, bytes.toString('utf8', at, end));
    if (read === null) {
      if (line > 1 && isTorn(bytes, at, end)) break;
      return { kind: 'damaged', what: `line ${line}, at byte ${at}, is not what was written` };
    }
    if (line === 1) {
      const { outrider, format } = read.document as { outrider?: unknown; format?: unknown };
      if (outrider !== 'registry' || typeof format !== 'number') {
        return { kind: 'damaged', what: 'it is no registry of Outrider' };
      }
      if (format > FORMAT) return { kind: 'newer', format };
    } else commits.push(read.document as Commit);
    check = read.check;
    at = end + 1;
  }
  return { kind: 'whole', commits, check, length: at };
}

const NEWLINE = 0x0a;
const CHECK_LENGTH = 16;

/**
 * Whether a line that can't be read is what a crash leaves of one that was being written: its end is missing, or is there
 * while what a file system had not written before it yet is zeros, which no line has. Anything else was whole once.
 */
function isTorn(bytes: Buffer, at: number, end: number): boolean {
  if (end < 0) return true;
  return end === bytes.length - 1 && bytes.subarray(at, end).includes(0);
}

function encodeLine(before: string, document: object): { line: Buffer; check: string } {
  const text = JSON.stringify(document);
  const check = checkOf(before, text);
  return { line: Buffer.from(`${check} ${text}\n`), check };
}

function decodeLine(before: string, line: string): { document: unknown; check: string } | null {
  const check = line.slice(0, CHECK_LENGTH);
  const text = line.slice(CHECK_LENGTH + 1);
  if (line[CHECK_LENGTH] !== ' ' || check !== checkOf(before, text)) return null;
  return { document: JSON.parse(text), check };
}

/** Short, against chance, not against somebody who means to deceive. */
export function checkOf(before: string, text: string): string {
  return createHash('sha256').update(`${before} ${text}`).digest('hex').slice(0, CHECK_LENGTH);
}
