import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/**
 * What one half of the young generation holds where little is under way: 4 MiB, of which Node 20 counts 3.93. It is told of
 * as used or available; what the space measures in all is counted differently by each runtime.
 */
const ENOUGH_BYTES = 3.9 * 1024 * 1024;
/**
 * What an exchange under way needs of it, so that a collection finds at most a quarter of what it looks at alive (an exchange
 * allocates some 4 KiB). With 4 KiB, 1,000 busy connections were measured to take 46 us of CPU per request instead of 32.
 */
const BYTES_PER_EXCHANGE = 16 * 1024;
const LOOK_EVERY_MS = 200;

/** The young generation of the runtime, as far as it can be steered. */
interface YoungSpace {
  /** What one half of it holds now, in bytes. */
  readonly capacity: number;
  /** Whether it may grow when much of it survives a collection. */
  mayGrow: boolean;
}

/**
 * Lets the young generation grow as far as the exchanges under way need it, and no further. It is never made smaller: the
 * runtime does that by itself when it has been idle.
 */
export function boundYoungSpace(space: YoungSpace, exchanges: number): void {
  const mayGrow = space.capacity < Math.max(ENOUGH_BYTES, exchanges * BYTES_PER_EXCHANGE);
  if (space.mayGrow !== mayGrow) space.mayGrow = mayGrow;
}

/**
 * Keeps the runtime from taking memory that a proxy has no use for. To be called once, at the start.
 *
 * - The space for new objects grows to 32 MB by default (Node 20 to 26), but a proxy's objects die with their exchange. With a
 *   quarter of it, 64 busy connections were measured to take 78 MB instead of 95, at the same cost per request; with a
 *   sixteenth, a POST costs a tenth more. The limit itself is read before any script runs, but the factor of growth can be
 *   changed at any time.
 * - The middle one of three compilers (Maglev, on since Node 22) makes code that the last one replaces a moment later.
 *   Without it the same load was measured to take 90 MB instead of 104 on Node 24, at the same cost per request.
 *
 * @param exchanges tells how many exchanges are under way
 */
export function boundRuntimeMemory(exchanges: () => number): void {
  setFlagsFromString('--no-maglev');
  const space = new RuntimeYoungSpace();
  setInterval(() => boundYoungSpace(space, exchanges()), LOOK_EVERY_MS).unref();
}

class RuntimeYoungSpace implements YoungSpace {
  private grows = true;

  get capacity(): number {
    const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
    return space === undefined
      ? Number.POSITIVE_INFINITY
      : space.space_used_size + space.space_available_size;
  }

  get mayGrow(): boolean {
    return this.grows;
  }

  set mayGrow(mayGrow: boolean) {
    this.grows = mayGrow;
    // Growth is by this factor; 2 is the runtime's own choice.
    setFlagsFromString(`--semi-space-growth-factor=${mayGrow ? 2 : 1}`);
  }
}
