/** Where the lines of a stream go. */
export interface LineSink {
  /** Writes one or more lines, each with its `\n`. */
  write(lines: string): void;
  /** Bytes that wait to be read by the other side. */
  readonly waiting: number;
  /** Ends the connection behind what was written. */
  close(): void;
}
