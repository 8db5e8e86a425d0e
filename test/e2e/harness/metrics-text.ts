/** Metrics in Prometheus' text format, to be asked for single values. */
export class MetricsText {
  private readonly samples = new Map<string, number>();

  constructor(text: string) {
    for (const line of text.split('\n')) {
      const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
      if (match !== null)
        this.samples.set(seriesOf(match[1]!, parseLabels(match[2] ?? '')), Number(match[3]));
    }
  }

  /** The value of a series; 0 where there is none. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.samples.get(seriesOf(name, labels)) ?? 0;
  }
}

function parseLabels(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(match => [match[1]!, match[2]!]));
}

function seriesOf(name: string, labels: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([name, sorted]);
}
