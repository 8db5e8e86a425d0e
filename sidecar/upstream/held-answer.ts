import type { ResponseHead } from '../exchange/service.ts';
import type { Attempt } from './attempt.ts';

/**
 * The head of a chunked answer and what came of its body in the same read, held until that is known to be well-formed: a malformed
 * chunk there is a bad answer (502), and not one that has begun and breaks off.
 */
export class HeldAnswer {
  private head: ResponseHead | null = null;
  private pieces: Buffer[] = [];

  hold(head: ResponseHead): void {
    this.head = head;
  }

  /** Holds a piece of the body where the head is held. It stays valid until the read is over. @returns whether it is held */
  add(piece: Buffer): boolean {
    if (this.head === null) return false;
    this.pieces.push(piece);
    return true;
  }

  /** Tells the attempt what is held. */
  tell(attempt: Attempt): void {
    const { head, pieces } = this;
    if (head === null) return;
    this.drop();
    attempt.head(head);
    for (const piece of pieces) if (!attempt.isEnded) attempt.data(piece);
  }

  drop(): void {
    if (this.head === null) return;
    this.head = null;
    this.pieces = [];
  }
}
