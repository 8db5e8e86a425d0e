/** A metric whose samples are made at the moment they are asked for. */
export interface CollectedMetric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  collect(): Sample[] | Promise<Sample[]>;
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Where it is not the metric's own: the `_bucket`, `_sum` and `_count` of a histogram. */
  readonly metricName?: string;
}

export function counter(name: string, help: string, collect: CollectedMetric['collect']): CollectedMetric {
  return { name, help, type: 'counter', collect };
}

export function gauge(name: string, help: string, collect: CollectedMetric['collect']): CollectedMetric {
  return { name, help, type: 'gauge', collect };
}

/** The samples of a metric without labels. */
export function single(value: number): Sample[] {
  return [{ labels: {}, value }];
}

/** Adds up samples with the same name and labels, keeping their order: a series may be told once only. */
export function addUp(samples: readonly Sample[]): Sample[] {
  const bySeries = new Map<string, Sample>();
  for (const sample of samples) {
    const series = JSON.stringify([sample.metricName, sample.labels]);
    const before = bySeries.get(series);
    bySeries.set(series, before === undefined ? sample : { ...sample, value: before.value + sample.value });
  }
  return [...bySeries.values()];
}
