/** On whose behalf something is changed. */
export interface Actor {
  /** As events name it: `admin`, `sidecar <id>`, `control plane`, … */
  readonly name: string;
  /** The sidecar's id, or null where it is none: instances are renewed by the stream of the sidecar that registered them. */
  readonly sidecar: string | null;
}

/** The control plane itself: leases that ran out, instances that were removed. */
export const CONTROL_PLANE: Actor = { name: 'control plane', sidecar: null };

/** The mesh file, which is read again now and then and says the same again. */
export const MESH_FILE: Actor = { name: 'mesh file', sidecar: null };

/** A sidecar. @param id new with each process */
export function sidecarActor(id: string): Actor {
  return { name: `sidecar ${id}`, sidecar: id };
}

/** Anybody who is no sidecar: an operator, an application that registers itself. */
export function otherActor(name: string): Actor {
  return { name, sidecar: null };
}
