/** How long to wait before a broken stream is opened again, in ms: as our sidecars do it, with full jitter. */
export function reconnectDelay(failures: number): number {
  return Math.min(4000, 200 * 2 ** failures) * Math.random();
}
