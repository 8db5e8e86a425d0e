import type { PolicyDocument } from './contract/resources.ts';
import { MESH_FILE } from './registry/actor.ts';
import type { Moment } from './registry/moment.ts';
import type { Registry } from './registry/registry.ts';
import type { RegistryKeeper } from './store/registry-keeper.ts';

/** What a mesh file says: policies by service. */
export type Policies = Readonly<Record<string, PolicyDocument>>;

/** What it was to write a mesh file. */
interface WrittenMesh {
  /** Services that had another policy, or were not there. */
  readonly changed: readonly string[];
  /** Services that the file before named and this one does not: they stay. */
  readonly dropped: readonly string[];
}

/** Puts the mesh file in force: at the start, and whenever it changes. Services that it does not name stay as they are. */
export class MeshPolicies {
  private readonly registry: Registry;
  private readonly keeper: RegistryKeeper;
  private readonly clock: () => Moment;
  /** Why what the file says is not in force; null where it is, or where there is no file. */
  refusal: string | null = null;
  private named: ReadonlySet<string> = new Set();

  constructor(registry: Registry, keeper: RegistryKeeper, clock: () => Moment) {
    this.registry = registry;
    this.keeper = keeper;
    this.clock = clock;
  }

  /** Writes all of it or nothing. Rejects with a StoreError where it can't be kept. */
  async write(policies: Policies): Promise<WrittenMesh> {
    const changed: string[] = [];
    for (const [name, policy] of Object.entries(policies)) {
      const outcome = this.registry.putService(name, policy, MESH_FILE, this.clock());
      if (outcome.kind === 'done' && outcome.changed) changed.push(name);
    }
    if (changed.length > 0) await this.keeper.committed();
    const dropped = [...this.named].filter(name => !Object.hasOwn(policies, name));
    this.named = new Set(Object.keys(policies));
    this.refusal = null;
    return { changed, dropped };
  }

  /** Notes that what the file says is not in force, until it is. */
  refused(reason: string): void {
    this.refusal = reason;
    const detail = `The mesh file is refused, what was in force stays: ${reason}`;
    this.registry.note('mesh-file-refused', detail, MESH_FILE, this.clock());
  }
}
