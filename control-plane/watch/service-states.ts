import type { Revision } from '../contract/resources.ts';
import type { Registry } from '../registry/registry.ts';

/** Services as the watch tells of them whole: each written out once for all who ask for it before it changes. */
export class ServiceStates {
  private readonly registry: Registry;
  private readonly known = new Map<string, string>();

  constructor(registry: Registry) {
    this.registry = registry;
  }

  /** What was written out of a service does not hold any more. */
  changed(service: string): void {
    this.known.delete(service);
  }

  /** The message of type `sync`, as a line. */
  syncLine(revision: Revision, services: readonly string[]): string {
    const states = services.map(service => this.jsonOf(service));
    return `{"type":"sync","revision":${revision},"services":[${states.join(',')}]}\n`;
  }

  private jsonOf(service: string): string {
    const known = this.known.get(service);
    if (known !== undefined) return known;
    const state = this.registry.stateOf(service);
    const json = JSON.stringify(state);
    // Of what there is not, one may ask for anything.
    if (state.exists) this.known.set(service, json);
    return json;
  }
}
