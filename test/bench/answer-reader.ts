/**
 * Reads the one answer that is due on a connection and says whether it is the right one. Only what the bench's own
 * endpoints send is understood: a status, a content-length, a body.
 */
export class AnswerReader {
  private readonly expectedLength: number;
  /** Bytes of a head that came in pieces. */
  private pieces = '';
  /** Body bytes that are still to come; -1 while the head is. */
  private missing = -1;
  /** The answer said that the connection ends with it. */
  closes = false;

  /** @param expectedLength of the answer's body, in bytes */
  constructor(expectedLength: number) {
    this.expectedLength = expectedLength;
  }

  /** Gets ready for the next answer. */
  reset(): void {
    this.pieces = '';
    this.missing = -1;
    this.closes = false;
  }

  /**
   * Takes the first `size` bytes of `buffer`.
   * @returns whether the answer is complete, or what is wrong with it
   */
  push(buffer: Uint8Array, size: number): 'more' | 'complete' | { readonly wrong: string } {
    let bodyBytes = size;
    if (this.missing === -1) {
      const text = this.pieces + latin1(buffer, Math.min(size, MAX_HEAD));
      const headEnd = text.indexOf('\r\n\r\n');
      if (headEnd === -1) {
        if (text.length > MAX_HEAD) return { wrong: 'no end of the head' };
        this.pieces = text;
        return 'more';
      }
      const wrong = this.checkHead(text, headEnd + 2);
      if (wrong !== null) return { wrong };
      bodyBytes = size - (headEnd + 4 - this.pieces.length);
      this.pieces = '';
      this.missing = this.expectedLength;
    }
    if (bodyBytes > this.missing) return { wrong: 'bytes after the answer' };
    this.missing -= bodyBytes;
    return this.missing === 0 ? 'complete' : 'more';
  }

  private checkHead(text: string, end: number): string | null {
    if (!text.startsWith('HTTP/1.1 200'))
      return `status line ${JSON.stringify(text.slice(0, text.indexOf('\r\n')))}`;
    const head = text.slice(0, end);
    const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head);
    if (length === null) return 'no content-length';
    if (Number(length[1]) !== this.expectedLength) {
      return `length ${length[1]} instead of ${this.expectedLength}`;
    }
    this.closes = /\r\nconnection: *close\r\n/i.test(head);
    return null;
  }
}

const MAX_HEAD = 4096;

function latin1(buffer: Uint8Array, size: number): string {
  return Buffer.from(buffer.buffer, buffer.byteOffset, size).toString('latin1');
}
