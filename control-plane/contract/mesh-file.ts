import type { Static } from '@sinclair/typebox';
import { documentOf } from './document-tree.ts';
import type { Environment } from './environment.ts';
import { type DeepReadonly, POLICY_SCHEMA } from './policy.ts';
import { checkPolicy } from './policy-checks.ts';
import { print } from './print.ts';
import { hasErrors, type Problem, sortProblems } from './problem.ts';
import { read } from './read.ts';
import type { PolicyDocument } from './resources.ts';
import { SERVICE_NAME_KEY } from './service-name.ts';
import { mapOf, section } from './setting.ts';
import { parseYaml } from './yaml-source.ts';

/** The mesh file (`mesh.yaml`): the services of a mesh and the policies by which others call them. */
export const MESH_FILE_SCHEMA = section('The services of a mesh.', {
  services: mapOf(SERVICE_NAME_KEY, section('A service that others call.', { policy: POLICY_SCHEMA }), {
    description: 'Services by name.',
  }),
});

type MeshFile = DeepReadonly<Static<typeof MESH_FILE_SCHEMA>>;

/** A configuration file after it was read: null instead of a value where there are errors. */
export interface LoadedFile<T> {
  readonly value: T | null;
  /** Errors and warnings, sorted by place. */
  readonly problems: readonly Problem[];
  /** The file's text by lines, for excerpts. */
  readonly lines: readonly string[];
}

/** Reads a mesh file. @param name what to call it in messages */
export function loadMeshFile(
  name: string,
  bytes: Uint8Array,
  environment: Environment,
): LoadedFile<MeshFile> {
  const source = parseYaml(name, bytes, environment);
  if (source.root === null)
    return { value: null, problems: sortProblems(source.problems), lines: source.lines };
  const { value, problems, written } = read(MESH_FILE_SCHEMA, source.root);
  const mesh: MeshFile = value;
  const policies = Object.entries(mesh.services).flatMap(([service, { policy }]) =>
    checkPolicy(policy, ['services', service, 'policy'], written),
  );
  const all = sortProblems([...source.problems, ...problems, ...policies]);
  return { value: hasErrors(all) ? null : mesh, problems: all, lines: source.lines };
}

/** Reads a mesh file as what it says, no defaults added: the policies of its services, as the control plane keeps them. */
export function loadMeshDocuments(
  name: string,
  bytes: Uint8Array,
  environment: Environment,
): LoadedFile<Readonly<Record<string, PolicyDocument>>> {
  const loaded = loadMeshFile(name, bytes, environment);
  const { root } = parseYaml(name, bytes, environment);
  if (loaded.value === null || root === null) return { ...loaded, value: null };
  const printed = print(MESH_FILE_SCHEMA, loaded.value as Static<typeof MESH_FILE_SCHEMA>);
  const { services } = documentOf(root, printed) as {
    readonly services?: Readonly<Record<string, { readonly policy?: PolicyDocument } | null>> | null;
  };
  const policies = Object.entries(services ?? {}).map(([service, written]) => [
    service,
    written?.policy ?? {},
  ]);
  return { ...loaded, value: Object.fromEntries(policies) };
}
