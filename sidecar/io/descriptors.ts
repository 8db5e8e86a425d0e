import { readFileSync } from 'node:fs';

/** What a process could not do for want of a file descriptor. */
export type Shortage = 'accept' | 'connect';

/** The file descriptors that the system lets this process have, each connection being one. */
export class Descriptors {
  /** Null where the system does not tell. */
  readonly limit: number | null;
  /** Told each time one is missing. */
  onShortage: (what: Shortage) => void = () => {};
  private readonly reserve: number;

  constructor(limit: number | null = readLimit()) {
    this.limit = limit;
    this.reserve = Math.min(MOST_RESERVED, Math.ceil((limit ?? 0) * RESERVED));
  }

  /**
   * Whether a connection that was accepted as `fd` takes one of the last descriptors. Those are for the way to endpoints, for DNS and
   * for files: accepting until there are none left serves nobody, and the system then has no quiet way to refuse. The
   * kernel gives the lowest number that is free, so the number tells how many there are.
   */
  isLastResort(fd: number): boolean {
    return this.limit !== null && fd >= this.limit - this.reserve;
  }

  /** Whether this is the system's name for having no descriptor left, in the process or on the machine. */
  isShortage(code: string | undefined): boolean {
    return code === 'EMFILE' || code === 'ENFILE';
  }
}

const RESERVED = 1 / 8;
const MOST_RESERVED = 64;

/** The runtime raises it to the hard limit when it starts, so this is the one in force. */
function readLimit(): number | null {
  try {
    const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return limit === undefined ? null : Number(limit);
  } catch {
    return null;
  }
}

/** Those of this process. */
export const descriptors = new Descriptors();

/** What a person can do about a shortage. */
export const MORE_DESCRIPTORS =
  'Raise the limit (ulimit -n; LimitNOFILE of systemd; ulimits in a compose file).';
