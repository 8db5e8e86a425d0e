const NEWLINE = 0x0a;

/** Cuts what a connection brings into lines, each at most so long. Empty lines are left out. */
export class LineSplitter {
  private readonly limit: number;
  private rest: Buffer[] = [];
  private restBytes = 0;

  /** @param limit the longest line in bytes, its end not counted */
  constructor(limit: number) {
    this.limit = limit;
  }

  /**
   * Takes the next bytes, which are copied where they have to be kept.
   * @returns the lines that they complete; null where one is too long, after which nothing more may be pushed
   */
  push(chunk: Buffer): string[] | null {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      if (this.restBytes + end - start > this.limit) return null;
      const line = this.take(chunk.subarray(start, end));
      if (line !== '') lines.push(line);
      start = end + 1;
    }
    if (start < chunk.length) {
      this.rest.push(Buffer.from(chunk.subarray(start)));
      this.restBytes += chunk.length - start;
    }
    return this.restBytes > this.limit ? null : lines;
  }

  private take(last: Buffer): string {
    if (this.rest.length === 0) return last.toString('utf8');
    const line = Buffer.concat([...this.rest, last]).toString('utf8');
    this.rest = [];
    this.restBytes = 0;
    return line;
  }
}
