/** The runtime has four threads, which files need too. */
const AT_ONCE = 2;

/** Looks names up, no more than two at once, each by one lookup for all who ask. */
export class LookupsInTurn {
  private readonly find: (name: string) => Promise<readonly string[]>;
  private readonly underWay = new Map<string, Promise<readonly string[]>>();
  private waiting: (() => void)[] = [];

  /** @param find takes a thread of the runtime for as long as the system likes */
  constructor(find: (name: string) => Promise<readonly string[]>) {
    this.find = find;
  }

  async lookUp(name: string): Promise<readonly string[]> {
    while (!this.underWay.has(name) && this.underWay.size >= AT_ONCE) {
      await new Promise<void>(resolve => this.waiting.push(resolve));
    }
    const shared = this.underWay.get(name) ?? this.start(name);
    return await shared;
  }

  private start(name: string): Promise<readonly string[]> {
    const lookup = this.find(name).finally(() => {
      this.underWay.delete(name);
      const { waiting } = this;
      this.waiting = [];
      for (const goOn of waiting) goOn();
    });
    this.underWay.set(name, lookup);
    return lookup;
  }
}
