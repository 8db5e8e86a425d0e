/** A rate of failures below this is nobody's fault: with all others at zero, the deviation of one would be any number. */
const LEAST_FAILURE_RATE = 0.05;

/**
 * Which of some rates of success are so far below the mean of all that they are outliers: by more than `deviations` standard
 * deviations, as in Envoy's outlier detection and in gRPC's proposal A50.
 * @param rates from 0 to 1
 * @returns for each whether it is one
 */
export function areOutliers(rates: readonly number[], deviations: number): boolean[] {
  const mean = sumOf(rates) / rates.length;
  const variance = sumOf(rates.map(rate => (rate - mean) ** 2)) / rates.length;
  const threshold = mean - deviations * Math.sqrt(variance);
  return rates.map(rate => rate < threshold && 1 - rate >= LEAST_FAILURE_RATE);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
