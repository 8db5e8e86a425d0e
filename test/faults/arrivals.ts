/** What one endpoint said of the requests that reached it, by their ids; it may have been several processes one after the other. */
export class Arrivals {
  /** How often each request arrived. */
  readonly got = new Map<number, number>();
  /** Requests that it answered with 200. */
  readonly good = new Set<number>();
  /** Requests that were given up before it had answered. */
  readonly off = new Set<number>();
  /** Connections that it closed at once. */
  met = 0;

  /** Takes a line of faulty-app.js. */
  add(line: string): void {
    const [what, text] = line.split(' ');
    const id = Number(text);
    if (what === 'met') this.met++;
    else if (what === 'got') this.got.set(id, (this.got.get(id) ?? 0) + 1);
    else if (what === 'good') this.good.add(id);
    else if (what === 'off') this.off.add(id);
    else throw new Error(`an endpoint said ${line}`);
  }
}
