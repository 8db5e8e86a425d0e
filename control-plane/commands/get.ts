import { didYouMean, sourceOf } from '../../command-line/arguments.ts';
import type { Command, Host, Invocation } from '../../command-line/command.ts';
import { refuseUsage } from '../../command-line/refuse-usage.ts';
import { formatTable } from '../../command-line/text-table.ts';
import { getService, listEvents, listInstances, listServices, listSidecars } from '../contract/calls.ts';
import { formatHostPort } from '../contract/host-port.ts';
import { type ApiClient, CLIENT_FLAGS, withClient } from './api-client.ts';

const FORMATS = ['table', 'json', 'yaml'] as const;

type Format = (typeof FORMATS)[number];

/** `outrider get`. */
export const GET_COMMAND: Command = {
  name: 'get',
  summary: 'Shows what the control plane knows: services, instances, sidecars, events.',
  description: [
    'Shows what the control plane knows. services: their names, how many of their instances are up, and what their policies say. instances: where they are and how, of all services or of one. sidecars: those that are connected, what they have applied and what they refused. events: who changed what, when.',
  ].join('\n\n'),
  operands: {
    placeholder: 'WHAT [SERVICE]',
    description: 'services, instances, sidecars or events; of one service alone.',
  },
  flags: [
    {
      name: 'output',
      short: 'o',
      value: 'FORMAT',
      isRepeatable: false,
      variable: 'OUTRIDER_OUTPUT',
      description: `How: ${FORMATS.join(', ')}.`,
      default: 'table',
    },
    ...CLIENT_FLAGS,
  ],
  examples: [
    { description: 'Where the instances are', command: 'outrider get instances' },
    { description: 'The policy of a service', command: 'outrider get services inventory -o yaml' },
  ],
  async run(invocation, host) {
    const request = readRequest(invocation);
    if (typeof request === 'string') {
      return refuseUsage(host, 'get', [request]);
    }
    const { kind, service, format } = request;
    return await withClient('get', invocation, host, async client => {
      const { items, rows } = await kind.fetch(client, service);
      if (format === 'json') host.print(`${JSON.stringify(items, null, 2)}\n`);
      else if (format === 'yaml') await printYaml(items, host);
      else if (items.length > 0) host.print(formatTable(kind.head, rows));
      else host.complain(`There are no ${kind.name}${service === null ? '' : ` of ${service}`}.\n`);
      return 0;
    });
  },
};

async function printYaml(items: unknown, host: Host): Promise<void> {
  const { formatYaml } = await import('../contract/yaml-source.ts');
  host.print(formatYaml(items));
}

/** Something that can be got. */
interface Kind {
  readonly name: string;
  readonly head: readonly string[];
  /** @throws CallFailed */
  fetch(client: ApiClient, service: string | null): Promise<Listing>;
}

interface Listing {
  readonly items: readonly unknown[];
  /** The same as a table. */
  readonly rows: readonly string[][];
}

function kind<T>(spec: {
  readonly name: string;
  readonly head: readonly string[];
  fetch(client: ApiClient, service: string | null): Promise<readonly T[]>;
  row(item: T): string[];
}): Kind {
  return {
    name: spec.name,
    head: spec.head,
    async fetch(client, service) {
      const items = await spec.fetch(client, service);
      return { items, rows: items.map(spec.row) };
    },
  };
}

const SERVICES = kind({
  name: 'services',
  head: ['NAME', 'UP', 'INSTANCES', 'REVISION', 'POLICY'],
  async fetch(client, service) {
    return service === null ? await client.list(listServices) : [await client.call(getService(service))];
  },
  row: ({ name, counts, revision, policy }) => [
    name,
    `${counts.up}`,
    `${counts.instances}`,
    `${revision}`,
    Object.keys(policy).join(', ') || '-',
  ],
});

const INSTANCES = kind({
  name: 'instances',
  head: ['SERVICE', 'ID', 'ADDRESS', 'STATUS', 'LEASE', 'WEIGHT', 'ZONE', 'VERSION'],
  fetch: (client, service) => client.list(listInstances(service)),
  row: ({ service, id, address, port, status, lease, weight, zone, version }) => [
    service,
    id,
    formatHostPort({ host: address, port }),
    status,
    lease,
    `${weight}`,
    zone ?? '-',
    version ?? '-',
  ],
});

const SIDECARS = kind({
  name: 'sidecars',
  head: ['SIDECAR', 'SERVICE', 'INSTANCE', 'APPLIED', 'CONNECTED', 'WATCHES', 'REFUSED'],
  async fetch(client, service) {
    const all = await client.list(listSidecars);
    return service === null ? all : all.filter(sidecar => sidecar.service === service);
  },
  row: ({ sidecar, service, instance, applied, connectedAt, services, refused }) => [
    sidecar,
    service ?? '-',
    instance ?? '-',
    // Whoever watches nothing has nothing to apply.
    services.length === 0 ? '-' : `${applied}`,
    connectedAt,
    services.join(',') || '-',
    refused === null ? '-' : `${refused.service}: ${refused.reason}`,
  ],
});

const EVENTS = kind({
  name: 'events',
  head: ['AT', 'REVISION', 'KIND', 'SERVICE', 'INSTANCE', 'BY', 'DETAIL'],
  async fetch(client, service) {
    const { items } = await client.call(listEvents());
    return items.filter(event => service === null || event.service === service);
  },
  row: ({ at, revision, kind, service, instance, by, detail }) => [
    at,
    `${revision}`,
    kind,
    service || '-',
    instance ?? '-',
    by,
    detail,
  ],
});

const KINDS: readonly Kind[] = [SERVICES, INSTANCES, SIDECARS, EVENTS];

interface Request {
  readonly kind: Kind;
  readonly service: string | null;
  readonly format: Format;
}

/** @returns what is wrong, where something is */
function readRequest({ flags, operands }: Invocation): Request | string {
  const names = KINDS.map(({ name }) => name);
  const [wanted, service = null, ...more] = operands;
  if (wanted === undefined) return `expected one of ${names.join(', ')}: outrider get instances`;
  // Others' tools know the singular as well.
  const kind = KINDS.find(({ name }) => name === wanted || name === `${wanted}s`);
  if (kind === undefined) {
    return `expected one of ${names.join(', ')}, found ${wanted}${didYouMean(wanted, names)}`;
  }
  if (more.length > 0) return `expected one service at most, found also ${more.join(' ')}`;
  const format = flags.get('output')?.values[0] ?? 'table';
  const known = FORMATS.find(name => name === format);
  if (known === undefined) {
    return `${sourceOf(flags, 'output')}: expected one of ${FORMATS.join(', ')}, found ${format}${didYouMean(format, FORMATS)}`;
  }
  return { kind, service, format: known };
}
