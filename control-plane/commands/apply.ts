import { isDeepStrictEqual } from 'node:util';
import type { Command, Host } from '../../command-line/command.ts';
import { refuseUsage } from '../../command-line/refuse-usage.ts';
import { fileOfArgument, readConfigFile } from '../../process/config-file.ts';
import type { ServiceResource } from '../contract/answers.ts';
import { deleteService, getService, listServices, listSidecars, putService } from '../contract/calls.ts';
import { formatProblemsWithExcerpts } from '../contract/excerpt.ts';
import { loadMeshDocuments } from '../contract/mesh-file.ts';
import { nearest } from '../contract/nearest.ts';
import { formatProblem, unreadable } from '../contract/problem.ts';
import type { PolicyDocument, Service } from '../contract/resources.ts';
import { type ApiClient, CallFailed, CLIENT_FLAGS, withClient } from './api-client.ts';
import { describeChanges } from './document-changes.ts';

type Policies = Readonly<Record<string, PolicyDocument>>;

/** `outrider apply`. */
export const APPLY_COMMAND: Command = {
  name: 'apply',
  summary: 'Writes the services of a mesh file into the control plane, and shows what changes.',
  description: [
    'Writes the services of mesh files, with their policies, into a running control plane. Shows what that changes; what is as the file says already is left alone, and so are services that the file does not name, unless --prune is given.',
    `References to the environment (\${NAME}) are filled in from the environment of this command. A file with an error in one place is refused whole, and nothing is written.`,
  ].join('\n\n'),
  operands: null,
  flags: [
    {
      name: 'file',
      short: 'f',
      value: 'FILE',
      isRepeatable: true,
      variable: 'OUTRIDER_FILE',
      description: 'A mesh file; - for standard input.',
      default: null,
    },
    {
      name: 'dry-run',
      value: null,
      isRepeatable: false,
      variable: 'OUTRIDER_DRY_RUN',
      description: 'Shows what would change, and changes nothing.',
      default: null,
    },
    {
      name: 'prune',
      value: null,
      isRepeatable: false,
      variable: 'OUTRIDER_PRUNE',
      description:
        'Deletes the services that no file names; of one that has instances, it takes the policy away and leaves the rest.',
      default: null,
    },
    ...CLIENT_FLAGS,
  ],
  examples: [
    { description: 'See what would change', command: 'outrider apply -f mesh.yaml --dry-run' },
    {
      description: 'See what would also be deleted',
      command: 'outrider apply -f mesh.yaml --prune --dry-run',
    },
    {
      description: 'Write it',
      command: 'outrider apply -f mesh.yaml --control-plane http://control-plane:7600',
    },
  ],
  async run(invocation, host) {
    const files = invocation.flags.get('file')?.values ?? [];
    if (files.length === 0) {
      return refuseUsage(host, 'apply', ['expected a file: outrider apply -f mesh.yaml']);
    }
    const policies = await loadAll(files, host);
    if (policies === null) return 2;
    const isPruning = invocation.flags.has('prune');
    if (isPruning && Object.keys(policies).length === 0) {
      host.complain('--prune with files that name no service would delete them all: nothing is done\n');
      return 2;
    }
    const isDryRun = invocation.flags.has('dry-run');
    return await withClient('apply', invocation, host, async client => {
      const writer = new Writer(client, isDryRun, host);
      await writer.writeAll(policies);
      if (isPruning) await writer.prune(policies);
      writer.printUnchanged();
      await warnOfStrangers(policies, client, host);
      return 0;
    });
  },
};

async function loadAll(files: readonly string[], host: Host): Promise<Policies | null> {
  const { parseYaml } = await import('../contract/yaml-source.ts');
  const policies: Record<string, PolicyDocument> = {};
  let isFine = true;
  for (const file of files) {
    const { path, name } = fileOfArgument(file);
    const content = await readConfigFile(path);
    if (!content.ok) {
      host.complain(`${formatProblem(unreadable(name, content.reason))}\n`);
      isFine = false;
      continue;
    }
    const { value, problems, lines } = loadMeshDocuments(parseYaml(name, content.bytes, host.environment));
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

/** Makes the control plane's services what the files say, or says what that would change. */
class Writer {
  private readonly client: ApiClient;
  private readonly isDryRun: boolean;
  private readonly host: Host;
  private unchanged = 0;

  constructor(client: ApiClient, isDryRun: boolean, host: Host) {
    this.client = client;
    this.isDryRun = isDryRun;
    this.host = host;
  }

  /** @throws CallFailed */
  async writeAll(policies: Policies): Promise<void> {
    for (const [name, policy] of Object.entries(policies)) {
      await this.write(name, policy, await find(this.client, name));
    }
  }

  /** Deletes what the files do not name. A service that has instances is there because of them. @throws CallFailed */
  async prune(policies: Policies): Promise<void> {
    const services = await this.client.list(listServices);
    for (const service of services.filter(({ name }) => !Object.hasOwn(policies, name))) {
      const { name, policy, counts } = service;
      if (counts.instances > counts.expired) {
        if (Object.keys(policy).length > 0) await this.write(name, {}, service);
      } else await this.remove(service);
    }
  }

  printUnchanged(): void {
    if (this.unchanged > 0) this.host.print(`${this.unchanged} unchanged\n`);
  }

  private async write(name: string, policy: PolicyDocument, current: Service | null): Promise<void> {
    if (current !== null && isDeepStrictEqual(current.policy, policy)) {
      this.unchanged++;
      return;
    }
    const changes = describeChanges(current?.policy ?? {}, policy).map(line => `  ${line}\n`);
    const what = current === null ? 'created' : 'changed';
    if (this.isDryRun) return this.host.print(`${name} would be ${what}\n${changes.join('')}`);
    const headers = current === null ? { 'if-none-match': '*' } : unchangedSince(current);
    const { revision } = await this.client.call(putService(name), { body: { policy }, headers });
    this.host.print(`${name} ${what}, revision ${revision}\n${changes.join('')}`);
  }

  private async remove(service: Service): Promise<void> {
    const { name, policy } = service;
    const changes = describeChanges(policy, {}).map(line => `  ${line}\n`);
    if (this.isDryRun) return this.host.print(`${name} would be deleted\n${changes.join('')}`);
    await this.client.call(deleteService(name), { headers: unchangedSince(service) });
    this.host.print(`${name} deleted\n${changes.join('')}`);
  }
}

/** What a policy names that is not in the same files. */
interface Mention {
  readonly service: string;
  readonly key: string;
  readonly named: string;
  /** Whether it is whose sidecars something is for: then it may be the id of one, too. */
  readonly isCaller: boolean;
}

function mentionsOf(service: string, policy: PolicyDocument): Mention[] {
  const mentions = (path: string, isCaller: boolean) => {
    let value: unknown = policy;
    for (const key of path.split('.')) value = (value as PolicyDocument | null | undefined)?.[key];
    const names = [value].flat().filter(name => typeof name === 'string');
    return names.map(named => ({ service, key: `services.${service}.policy.${path}`, named, isCaller }));
  };
  return [
    ...mentions('fallback.upstream', false),
    ...mentions('breaker.force.callers', true),
    ...mentions('fault.callers', true),
  ];
}

/**
 * Says where a policy falls back on a service that nobody knows, or is for the sidecars of one: it may come yet, and may be mistyped.
 * @throws CallFailed
 */
async function warnOfStrangers(policies: Policies, client: ApiClient, host: Host): Promise<void> {
  const mentions = Object.entries(policies)
    .flatMap(([service, policy]) => mentionsOf(service, policy))
    .filter(({ named }) => !Object.hasOwn(policies, named));
  if (mentions.length === 0) return;
  const services = [...Object.keys(policies), ...(await client.list(listServices)).map(({ name }) => name)];
  const callers = mentions.some(({ isCaller }) => isCaller)
    ? (await client.list(listSidecars)).flatMap(({ sidecar, service }) => [sidecar, service ?? sidecar])
    : [];
  for (const { service, key, named, isCaller } of mentions) {
    const known = isCaller ? [...services, ...callers] : services.filter(name => name !== service);
    if (known.includes(named)) continue;
    const near = nearest(named, known);
    const question = near === null ? '' : `; did you mean ${near}?`;
    const what = isCaller ? 'service and no sidecar' : 'service';
    host.complain(`warning: ${key}: the control plane knows no ${what} ${named} yet${question}\n`);
  }
}

/** As it was a moment ago, so that what somebody else has changed meanwhile is not lost. */
function unchangedSince({ revision }: Service): Record<string, string> {
  return { 'if-match': `"${revision}"` };
}

async function find(client: ApiClient, name: string): Promise<ServiceResource | null> {
  try {
    return await client.call(getService(name));
  } catch (error) {
    if (error instanceof CallFailed && error.status === 404) return null;
    throw error;
  }
}
