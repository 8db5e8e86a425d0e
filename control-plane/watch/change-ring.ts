import type { Revision } from '../contract/resources.ts';

/** A change as it is told, written out once for all who are told. */
interface ChangeLine {
  readonly revision: Revision;
  readonly service: string;
  readonly line: string;
}

/** The most recent changes, so that a stream that was interrupted can go on where it was. */
export class ChangeRing {
  private readonly capacity: number;
  private readonly lines: ChangeLine[] = [];
  /** Every change after this revision is there. */
  private completeSince: Revision;

  /** @param begin the revision of the registry now */
  constructor(begin: Revision, capacity = 4096) {
    this.completeSince = begin;
    this.capacity = capacity;
  }

  push(change: ChangeLine): void {
    this.lines.push(change);
    if (this.lines.length <= this.capacity) return;
    // In one go now and then, not one by one.
    const dropped = this.lines.splice(0, this.capacity >> 2);
    this.completeSince = dropped[dropped.length - 1].revision;
  }

  /** What changed of the services after `revision`; null where that is too long ago to be known. */
  after(revision: Revision, services: ReadonlySet<string>): ChangeLine[] | null {
    if (revision < this.completeSince) return null;
    return this.lines.filter(change => change.revision > revision && services.has(change.service));
  }
}
