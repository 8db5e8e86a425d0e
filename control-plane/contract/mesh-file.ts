import type { Static } from '@sinclair/typebox';
import { documentOf } from './document-tree.ts';
import { type DeepReadonly, POLICY_SCHEMA } from './policy.ts';
import { checkPolicy } from './policy-checks.ts';
import { print } from './print.ts';
import { hasErrors, sortProblems } from './problem.ts';
import { read } from './read.ts';
import type { PolicyDocument } from './resources.ts';
import { SERVICE_NAME_KEY } from './service-name.ts';
import { mapOf, section } from './setting.ts';
import type { LoadedFile, SourceFile } from './source-file.ts';

/** The mesh file (`mesh.yaml`): the services of a mesh and the policies by which others call them. */
export const MESH_FILE_SCHEMA = section('The services of a mesh.', {
  services: mapOf(SERVICE_NAME_KEY, section('A service that others call.', { policy: POLICY_SCHEMA }), {
    description: 'Services by name.',
  }),
});

type MeshFile = DeepReadonly<Static<typeof MESH_FILE_SCHEMA>>;

/** Judges a mesh file. */
export function loadMeshFile(source: SourceFile): LoadedFile<MeshFile> {
  if (source.root === null)
    return { value: null, problems: sortProblems(source.problems), lines: source.lines };
  const { value, problems, written } = read(MESH_FILE_SCHEMA, source.root);
  const mesh: MeshFile = value;
  const policies = Object.entries(mesh.services).flatMap(([service, { policy }]) =>
    checkPolicy(policy, ['services', service, 'policy'], written, service),
  );
  const all = sortProblems([...source.problems, ...problems, ...policies]);
  return { value: hasErrors(all) ? null : mesh, problems: all, lines: source.lines };
}

/** Judges a mesh file, and gives what it says, no defaults added: the policies of its services, as the control plane keeps them. */
export function loadMeshDocuments(source: SourceFile): LoadedFile<Readonly<Record<string, PolicyDocument>>> {
  const loaded = loadMeshFile(source);
  const { root } = source;
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
