/** Who watches which service. What nobody watches any more takes no room: names come from whoever asks. */
export class Subscriptions<Watcher> {
  private readonly byService = new Map<string, Set<Watcher>>();

  /** Services that somebody watches. */
  get size(): number {
    return this.byService.size;
  }

  add(service: string, watcher: Watcher): void {
    const watchers = this.byService.get(service);
    if (watchers === undefined) this.byService.set(service, new Set([watcher]));
    else watchers.add(watcher);
  }

  remove(service: string, watcher: Watcher): void {
    const watchers = this.byService.get(service);
    if (watchers?.delete(watcher) && watchers.size === 0) this.byService.delete(service);
  }

  /** Those who watch the service now; the list stays as it is when some of them go. */
  of(service: string): Watcher[] {
    return [...(this.byService.get(service) ?? [])];
  }
}
