import type { WriteStream } from 'node:tty';
import { eventLine, renderLine, renderScreen, type Snapshot } from './screen.ts';
import type { ShopEvent } from './tally.ts';

const FRAME_EVERY_MS = 500;
const LINE_EVERY_MS = 5000;

/** Shows a run while it goes on: a summary redrawn in place on a terminal, plain lines elsewhere. */
export class View {
  private readonly out: WriteStream;
  private readonly snapshot: () => Snapshot;
  private timer: NodeJS.Timeout | null = null;
  private frameHeight = 0;

  constructor(out: WriteStream, snapshot: () => Snapshot) {
    this.out = out;
    this.snapshot = snapshot;
  }

  start(): void {
    this.timer = setInterval(() => this.show(), this.out.isTTY ? FRAME_EVERY_MS : LINE_EVERY_MS);
    if (this.out.isTTY) this.draw();
  }

  /** Something has happened: a line of its own where there is no frame that would show it. */
  event(event: ShopEvent): void {
    if (!this.out.isTTY) this.out.write(`${eventLine(event)}\n`);
  }

  /** Leaves the last frame where it is. */
  stop(): void {
    if (this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
    if (this.out.isTTY) this.draw();
  }

  private show(): void {
    if (this.out.isTTY) this.draw();
    else this.out.write(`${renderLine(this.snapshot())}\n`);
  }

  private draw(): void {
    // A pseudo-terminal may say that it has no size. One row is left free for the cursor, so that a frame never scrolls itself away.
    const lines = renderScreen(this.snapshot(), this.out.columns || 80, (this.out.rows || 24) - 1);
    const up = this.frameHeight === 0 ? '' : `\x1b[${this.frameHeight}A`;
    this.out.write(`${up}\r${lines.map(line => `${line}\x1b[K\n`).join('')}\x1b[J`);
    this.frameHeight = lines.length;
  }
}
