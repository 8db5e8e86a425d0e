import { isDeepStrictEqual } from 'node:util';
import type { Command, Host } from '../../command-line/command.ts';
import { readConfigFile } from '../../sidecar/config/config-file.ts';
import { formatProblemsWithExcerpts } from '../contract/excerpt.ts';
import { loadMeshDocuments } from '../contract/mesh-file.ts';
import { formatProblem, problem } from '../contract/problem.ts';
import type { PolicyDocument, Service } from '../contract/resources.ts';
import { type ApiClient, CallFailed, CLIENT_FLAGS, withClient } from './api-client.ts';
import { describeChanges } from './document-changes.ts';

type Policies = Readonly<Record<string, PolicyDocument>>;

/** `outrider apply`. */
export const APPLY_COMMAND: Command = {
  name: 'apply',
  summary: 'Writes the services of a mesh file into the control plane, and shows what changes.',
  description: [
    'Writes the services of mesh files, with their policies, into a running control plane. Shows what that changes; what is as the file says already is left alone, and so are services that the file does not name.',
    `References to the environment (\${NAME}) are filled in from the environment of this command. A file with an error in one place is refused whole, and nothing is written.`,
  ].join('\n\n'),
  operands: null,
  flags: [
    {
      name: 'file',
      short: 'f',
      value: 'FILE',
      isRepeatable: true,
      variable: null,
      description: 'A mesh file; - for standard input.',
      default: null,
    },
    {
      name: 'dry-run',
      value: null,
      isRepeatable: false,
      variable: null,
      description: 'Shows what would change, and changes nothing.',
      default: null,
    },
    ...CLIENT_FLAGS,
  ],
  examples: [
    { description: 'See what would change', command: 'outrider apply -f mesh.yaml --dry-run' },
    {
      description: 'Write it',
      command: 'outrider apply -f mesh.yaml --control-plane http://control-plane:7600',
    },
  ],
  async run(invocation, host) {
    const files = invocation.flags.get('file')?.values ?? [];
    if (files.length === 0) {
      host.complain('expected a file: outrider apply -f mesh.yaml\n');
      return 2;
    }
    const policies = await loadAll(files, host);
    if (policies === null) return 2;
    const isDryRun = invocation.flags.has('dry-run');
    return await withClient(invocation, host, client => applyAll(client, policies, isDryRun, host));
  },
};

async function loadAll(files: readonly string[], host: Host): Promise<Policies | null> {
  const policies: Record<string, PolicyDocument> = {};
  let isFine = true;
  for (const file of files) {
    const name = file === '-' ? 'standard input' : file;
    const content = await readConfigFile(file === '-' ? '/dev/stdin' : file);
    if (!content.ok) {
      const at = { source: name, line: 0, column: 0, length: 1 };
      host.complain(`${formatProblem(problem(at, '', `can not be read: ${content.reason}`))}\n`);
      isFine = false;
      continue;
    }
    const { value, problems, lines } = loadMeshDocuments(name, content.bytes, host.environment);
    host.complain(formatProblemsWithExcerpts(problems, lines));
    if (value === null) isFine = false;
    for (const [service, policy] of Object.entries(value ?? {})) {
      if (Object.hasOwn(policies, service)) {
        host.complain(`${name}: services.${service}: is in another file already\n`);
        isFine = false;
      }
      policies[service] = policy;
    }
  }
  return isFine ? policies : null;
}

async function applyAll(
  client: ApiClient,
  policies: Policies,
  isDryRun: boolean,
  host: Host,
): Promise<number> {
  let unchanged = 0;
  for (const [name, policy] of Object.entries(policies)) {
    const current = await find(client, name);
    if (current !== null && isDeepStrictEqual(current.policy, policy)) {
      unchanged++;
      continue;
    }
    const changes = describeChanges(current?.policy ?? {}, policy).map(line => `  ${line}\n`);
    const what = current === null ? 'created' : 'changed';
    if (isDryRun) {
      host.print(`${name} would be ${what}\n${changes.join('')}`);
      continue;
    }
    // As it was a moment ago, so that what somebody else has changed meanwhile is not lost.
    const headers: Record<string, string> =
      current === null ? { 'if-none-match': '*' } : { 'if-match': `"${current.revision}"` };
    const { body } = await client.call('PUT', `/v1/services/${name}`, { body: { policy }, headers });
    host.print(`${name} ${what}, revision ${(body as Service).revision}\n${changes.join('')}`);
  }
  if (unchanged > 0) host.print(`${unchanged} unchanged\n`);
  return 0;
}

async function find(client: ApiClient, name: string): Promise<Service | null> {
  try {
    const { body } = await client.call('GET', `/v1/services/${name}`);
    return body as Service;
  } catch (error) {
    if (error instanceof CallFailed && error.status === 404) return null;
    throw error;
  }
}
