/**
 * The weights of SRV records (0 to 65535) as weights of endpoints (1 to 1000). Where all are zero there is no preference; a zero
 * among others means a very small part of the requests (RFC 2782), where an endpoint's zero would mean none.
 */
export function endpointWeights(weights: readonly number[]): number[] {
  const heaviest = Math.max(...weights);
  if (heaviest === 0) return weights.map(() => 1);
  const isFitting = heaviest <= MAX_WEIGHT && !weights.includes(0);
  const scale = isFitting ? 1 : MAX_WEIGHT / heaviest;
  return weights.map(weight => Math.max(1, Math.round(weight * scale)));
}

const MAX_WEIGHT = 1000;
