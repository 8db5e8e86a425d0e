import { setTimeout as sleep } from 'node:timers/promises';
import { sourceOf } from '../../command-line/arguments.ts';
import type { Command, Invocation } from '../../command-line/command.ts';
import { refuseUsage } from '../../command-line/refuse-usage.ts';
import { readiness } from '../contract/calls.ts';
import { formatDuration, LONGEST_TIMER_MS, parseDuration } from '../contract/duration.ts';
import type { EndpointResource } from '../contract/resources.ts';
import { isServiceName } from '../contract/service-name.ts';
import type { WatchMessage } from '../contract/watch-messages.ts';
import { ApiClient, CallFailed, CLIENT_FLAGS } from './api-client.ts';
import { LocalWait, localUrls } from './local-wait.ts';

/** When a control plane that was not there is called again. */
const RETRY_MS = 250;

/** `outrider wait`. */
export const WAIT_COMMAND: Command = {
  name: 'wait',
  summary: 'Waits until the control plane serves, and until services have instances that are up.',
  description: [
    'Waits until the control plane serves, and until each of the services has an instance that is up, or as many as NAME=COUNT says. For the order in which things start: a job that needs others, a test that needs a mesh.',
    'Learns of changes as they happen, and goes on through restarts of the control plane. Exits with 1 when the time is over, and says what is missing.',
    'With --local it waits for what runs beside it, as the health check of a container does: a sidecar, with or without an application of its own, or a control plane, whichever says first that it is ready.',
  ].join('\n\n'),
  operands: {
    placeholder: '[NAME[=COUNT]…]',
    description: 'Services, and how many instances of each have to be up; 1 where it is not said.',
  },
  flags: [
    {
      name: 'timeout',
      value: 'DURATION',
      isRepeatable: false,
      variable: 'OUTRIDER_TIMEOUT',
      description: 'How long to wait at most.',
      default: '1m',
    },
    {
      name: 'local',
      value: null,
      isRepeatable: false,
      variable: 'OUTRIDER_LOCAL',
      description:
        'Asks the sidecar or the control plane on this machine: at the port of $OUTRIDER_ADMIN, else 15000, and of $OUTRIDER_CONTROL_PLANE_LISTEN, else 7600.',
      default: null,
    },
    ...CLIENT_FLAGS,
  ],
  examples: [
    { description: 'Wait for the control plane alone', command: 'outrider wait' },
    {
      description: 'Wait for one instance of orders and three of inventory',
      command: 'outrider wait orders inventory=3 --timeout 30s',
    },
  ],
  async run(invocation, host) {
    const request = readRequest(invocation);
    if (typeof request === 'string') {
      return refuseUsage(host, 'wait', [request]);
    }
    const { client, timeout, wanted, isLocal } = request;
    const urls = isLocal ? localUrls(host.environment) : [];
    if (isLocal && urls.length === 0)
      return refuseUsage(host, 'wait', [
        '--local: neither $OUTRIDER_ADMIN nor $OUTRIDER_CONTROL_PLANE_LISTEN is an address, so there is nobody to ask',
      ]);
    const wait = isLocal ? new LocalWait(urls) : new Wait(client, wanted);
    const ending = AbortSignal.timeout(timeout);
    if (await wait.run(ending)) return 0;
    const waited = ending.aborted ? ` (waited ${formatDuration(timeout)})` : '';
    host.complain(`${wait.describeMissing()}${waited}\n`);
    return 1;
  },
};

interface Request {
  readonly client: ApiClient;
  readonly timeout: number;
  readonly wanted: ReadonlyMap<string, number>;
  readonly isLocal: boolean;
}

/** @returns what is wrong, where something is */
function readRequest(invocation: Invocation): Request | string {
  const text = invocation.flags.get('timeout')?.values[0] ?? '1m';
  const timeout = parseDuration(text);
  if (timeout === null || timeout > LONGEST_TIMER_MS) {
    return `${sourceOf(invocation.flags, 'timeout')}: expected a duration such as 30s, found ${JSON.stringify(text)}`;
  }
  const wanted = new Map<string, number>();
  for (const operand of invocation.operands) {
    const [, name, count = '1'] = /^([^=]+)(?:=(\d{1,6}))?$/.exec(operand) ?? [];
    if (name === undefined || !isServiceName(name)) {
      return `expected a service, or one with a count as in inventory=3, found ${JSON.stringify(operand)}`;
    }
    wanted.set(name, Number(count));
  }
  const isLocal = invocation.flags.has('local');
  if (isLocal && wanted.size > 0)
    return '--local: takes no services, as it does not ask the control plane for them';
  // In the environment it is for the sidecar that is waited for.
  const isCalled = invocation.flags.get('control-plane')?.source === '--control-plane';
  if (isLocal && isCalled)
    return '--local: asks what runs on this machine, and not --control-plane; leave one of them out';
  const client = ApiClient.fromFlags(invocation);
  return typeof client === 'string' ? client : { client, timeout, wanted, isLocal };
}

/** Waits for services, by the watch. */
class Wait {
  private readonly client: ApiClient;
  private readonly wanted: ReadonlyMap<string, number>;
  private readonly endpoints = new Map<string, Map<string, EndpointResource>>();
  private problem: string | null = null;
  /** Whether it was ever told how things are. */
  private isTold = false;

  constructor(client: ApiClient, wanted: ReadonlyMap<string, number>) {
    this.client = client;
    this.wanted = wanted;
  }

  /** @returns false where the signal came first, or where waiting is of no use */
  async run(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      try {
        await this.client.call(readiness(), { signal });
        this.problem = null;
        if (this.wanted.size === 0) return true;
        for await (const message of this.client.watch([...this.wanted.keys()], signal)) {
          this.take(message);
          if (this.missing().length === 0) return true;
        }
      } catch (error) {
        if (!(error instanceof CallFailed)) throw error;
        if (!signal.aborted) this.problem = error.message;
        // A token that is wrong does not become right.
        if (error.status >= 400 && error.status < 429) return false;
      }
      await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
    }
    return false;
  }

  describeMissing(): string {
    if (this.problem !== null) return this.problem;
    if (!this.isTold) return `The control plane at ${this.client.url} does not answer.`;
    const missing = this.missing().map(
      name => `${name} has ${this.countOf(name)} of ${this.wanted.get(name)}`,
    );
    return `Not enough instances are up: ${missing.join(', ')}`;
  }

  private take(message: WatchMessage): void {
    this.isTold = true;
    if (message.type === 'sync') {
      for (const { name, endpoints } of message.services) {
        this.endpoints.set(name, new Map(endpoints.map(endpoint => [endpoint.id, endpoint])));
      }
    } else if (message.type === 'change') {
      const known = this.endpoints.get(message.service);
      for (const id of message.remove) known?.delete(id);
      for (const endpoint of message.set) known?.set(endpoint.id, endpoint);
    }
  }

  private missing(): string[] {
    return [...this.wanted].flatMap(([name, count]) => (this.countOf(name) < count ? [name] : []));
  }

  private countOf(name: string): number {
    const endpoints = [...(this.endpoints.get(name)?.values() ?? [])];
    return endpoints.filter(({ preference }) => preference !== 'last-resort').length;
  }
}
