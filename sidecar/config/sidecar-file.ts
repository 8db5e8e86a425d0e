import type { Static } from '@sinclair/typebox';
import {
  formatHostPort,
  HOST,
  LISTEN_ADDRESS,
  PEER_ADDRESS,
} from '../../control-plane/contract/host-port.ts';
import { type DeepReadonly, POLICY_SCHEMA } from '../../control-plane/contract/policy.ts';
import { SERVICE_NAME_FORM, SERVICE_NAME_KEY } from '../../control-plane/contract/service-name.ts';
import {
  byteSize,
  choice,
  count,
  duration,
  either,
  type KeyForm,
  label,
  listOf,
  mapOf,
  optional,
  parsed,
  ratio,
  secret,
  section,
  text,
  toggle,
} from '../../control-plane/contract/setting.ts';

const PORT = { min: 1, max: 65_535 };

const PORT_KEY: KeyForm = {
  pattern: '^([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$',
  expected: 'a port from 1 to 65535',
  placeholder: 'PORT',
};

const APP = section(
  'The application beside this sidecar. It is registered once it is healthy. A change needs a restart.',
  {
    port: count({ description: 'Where the application listens.', ...PORT }),
    health: section('How to tell whether the application is healthy.', {
      path: optional(
        text(
          {
            expected: 'a path, such as /healthz',
            form: 'path',
            pattern: '^/[!-~]{0,1023}$',
            guess: path => (/^[\w-]+$/.test(path) ? `/${path}` : null),
          },
          { description: 'The path of a GET that has to be answered with 2xx.' },
        ),
        { means: 'it is enough that a connection comes up', word: null },
      ),
      tcp: optional(
        toggle({
          description:
            '`true` says explicitly that it is enough that a connection comes up; can not stand beside `path`.',
        }),
        { means: '`true` without a `path`', word: null },
      ),
      interval: duration({
        description: 'The time between checks.',
        default: '1s',
        min: '100ms',
        max: '10m',
      }),
      timeout: duration({
        description: 'How long a check may take.',
        default: '500ms',
        min: '10ms',
        max: '1m',
      }),
    }),
    advertise: parsed(
      {
        expected: 'auto, or the host[:port] by which others reach the application',
        form: '`auto` or host[:port]',
        pattern: '^(auto|[^\\s/]{1,300})$',
        parse: parseAdvertised,
        print: printAdvertised,
      },
      {
        description:
          'The address by which others reach the application. `auto` is the local address of the connection to the control plane.',
        default: 'auto',
      },
    ),
    version: optional(label({ description: 'The version of the application.' }), {
      means: 'none',
      word: null,
    }),
    zone: optional(label({ description: 'Where it runs.' }), { means: 'none', word: null }),
    metadata: mapOf(
      {
        pattern: '^[\\w./-]{1,128}$',
        expected: 'a word of letters, digits, `_`, `-`, `.` and `/`',
        placeholder: 'KEY',
      },
      label({ description: 'A value of your own.' }),
      { description: 'What else is told about the instance.' },
    ),
  },
);

const UPSTREAM = section(
  'Where requests for this name go.',
  {
    endpoints: optional(
      listOf(
        either(
          [
            parsed(
              {
                ...PEER_ADDRESS,
                parse(text) {
                  const peer = PEER_ADDRESS.parse(text);
                  return (
                    peer && { address: peer.host, port: peer.port, weight: 1, zone: null, version: null }
                  );
                },
                print: endpoint => PEER_ADDRESS.print({ host: endpoint.address, port: endpoint.port }),
              },
              { description: 'Address and port.' },
            ),
            section('An endpoint with more than an address.', {
              address: parsed(HOST, { description: 'An IP address or a host name.' }),
              port: count({ description: 'Where it listens.', ...PORT }),
              weight: count({
                description:
                  'Its share of the requests relative to the other endpoints. 0 takes no new requests.',
                default: 1,
                min: 0,
                max: 1000,
              }),
              zone: optional(label({ description: 'Where it runs.' }), { means: 'none', word: null }),
              version: optional(label({ description: 'What version it runs.' }), {
                means: 'none',
                word: null,
              }),
            }),
          ],
          { description: 'An endpoint, as `host:port` or as a map.' },
        ),
        { description: 'A fixed list of endpoints.', max: 10_000 },
      ),
      { means: 'not a fixed list', word: null },
    ),
    dns: optional(
      parsed(PEER_ADDRESS, {
        description:
          'A host and port whose A and AAAA records are the endpoints; looked up again as their time to live says.',
      }),
      {
        means: 'not from A and AAAA records',
        word: null,
      },
    ),
    srv: optional(
      text(
        {
          expected: 'a name that has SRV records, such as _http._tcp.inventory.internal',
          form: 'name',
          pattern: '^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})?(\\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*$',
        },
        { description: 'A name whose SRV records say where the endpoints are.' },
      ),
      { means: 'not from SRV records', word: null },
    ),
    policy: POLICY_SCHEMA,
  },
  ['endpoints', 'dns', 'srv'],
);

const URL_PATTERN = '^https?://[A-Za-z0-9_.:%\\[\\]-]{1,260}/?$';

const CONTROL_PLANE_URL = {
  expected: 'an http:// or https:// URL without path and credentials, such as http://control-plane:7600',
  form: 'URL',
  pattern: URL_PATTERN,
  parse: (url: string) => (new RegExp(URL_PATTERN).test(url) && URL.canParse(url) ? url : null),
  print: (url: string) => url,
  guess(text: string) {
    const url = /^[\w.-]+:\d+$/.test(text) ? `http://${text}` : text;
    return /^https?:\/\//.test(url) && URL.canParse(url) ? new URL(url).origin : null;
  },
};

/** The sidecar file (`outrider.yaml`). Every setting is documented here and nowhere else. */
export const SIDECAR_FILE_SCHEMA = section(
  'One sidecar: the application beside it, and how its calls go out.',
  {
    service: optional(
      text(SERVICE_NAME_FORM, {
        description: 'The name of the application beside this sidecar. A change needs a restart.',
      }),
      {
        means: 'no name',
        word: null,
      },
    ),
    app: optional(APP, { means: 'nothing is registered', word: null }),
    controlPlane: optional(
      section('Where endpoints and policies come from. A change needs a restart.', {
        url: parsed(CONTROL_PLANE_URL, { description: 'Where the control plane listens.' }),
        token: secret(
          text(
            { expected: 'a token of printable characters', form: 'text', pattern: '^[!-~]{0,4096}$' },
            {
              description:
                'What proves to the control plane who this is; sent as a bearer token, never shown. Empty: none.',
              default: '',
            },
          ),
        ),
        snapshot: optional(
          text(
            {
              expected: 'the path of a file, or auto',
              form: 'path',
              pattern: '^[^\\0]{1,4096}$',
            },
            {
              description:
                'The file that keeps what the control plane said last, so that a start without it is possible. `auto`: `outrider/` in `$XDG_STATE_HOME` or `~/.local/state`, named after the service, the control plane and `egress.listen`, so that each sidecar has one of its own.',
              default: 'auto',
            },
          ),
          { means: 'nothing is kept', word: 'off' },
        ),
      }),
      { means: 'there is none: upstreams come from this file alone', word: null },
    ),
    egress: section("Where the application's calls come in.", {
      listen: optional(
        parsed(LISTEN_ADDRESS, {
          description: 'The port for requests by host name, and as an HTTP proxy. Port 0 takes any free one.',
          default: '127.0.0.1:15001',
        }),
        { means: 'no such port', word: 'off' },
      ),
      ports: mapOf(
        PORT_KEY,
        text(SERVICE_NAME_FORM, { description: 'The upstream that this port leads to.' }),
        {
          description:
            'Ports that lead to one upstream each, whatever host a request names. They are on the host of `listen`, or on 127.0.0.1 where that is `off`.',
        },
      ),
      unknownHosts: choice(['pass', 'refuse'], {
        description:
          'What becomes of requests for hosts that are no upstream: `pass` sends them to the host they name, `refuse` answers 404. Where there is exactly one upstream and no control plane, `pass` sends it whatever came as to a server, not as to a proxy; with `refuse` it gets only what names no host or the address of the sidecar.',
        default: 'pass',
      }),
      connect: either(
        [
          choice(['any', 'none'], { description: '`any`: every port. `none`: no tunnels to unknown hosts.' }),
          listOf(count({ description: 'A port.', ...PORT }), { description: 'Ports.', max: 1024 }),
        ],
        {
          description: 'The ports of unknown hosts that CONNECT (HTTPS through the proxy) may reach.',
          default: [443],
        },
      ),
      via: toggle({
        description: 'Whether requests and answers get a `Via` field (RFC 9110 section 7.6.3).',
        default: true,
      }),
    }),
    faults: choice(['allow', 'refuse'], {
      description:
        'Whether faults that a policy asks for (`fault`) are made here. `refuse` leaves them out, and applies the rest of the policy.',
      default: 'allow',
    }),
    upstreams: mapOf(SERVICE_NAME_KEY, UPSTREAM, {
      description: 'Upstreams that do not come from the control plane, by name.',
    }),
    downstream: section("What the application's connections may ask for.", {
      headSize: byteSize({
        description: 'Request line and fields together; a larger head is refused with 431.',
        default: '32KiB',
        min: '1KiB',
        max: '1MiB',
      }),
      headFields: count({
        description: 'Fields in a head; more are refused with 431.',
        default: 128,
        min: 8,
        max: 10_000,
      }),
      headTimeout: duration({
        description: 'How long a head may take from its first byte on; then the answer is 408.',
        default: '10s',
        min: '100ms',
        max: '10m',
      }),
      idleTimeout: duration({
        description: 'How long a connection is kept that carries no request.',
        default: '60s',
        min: '100ms',
        max: '24h',
      }),
      connections: count({
        description: 'Connections of applications in all; further ones are closed at once.',
        default: 10_000,
        min: 1,
        max: 1_000_000,
      }),
      pipelined: byteSize({
        description: 'How much of further requests is held per connection while one is under way.',
        default: '64KiB',
        min: '1KiB',
        max: '16MiB',
      }),
      halfClose: duration({
        description: 'How long an answer is still sent to an application that has closed its sending side.',
        default: '200ms',
        min: '0s',
        max: '24h',
      }),
      requestBody: optional(
        byteSize({
          description: 'The largest request body; a larger one is refused with 413.',
          min: '0B',
          max: '1024TiB',
        }),
        { means: 'no limit', word: 'unlimited' },
      ),
    }),
    connections: count({
      description: 'Connections to endpoints of all upstreams together.',
      default: 10_000,
      min: 1,
      max: 1_000_000,
    }),
    admin: section("The sidecar's own API.", {
      listen: optional(
        parsed(LISTEN_ADDRESS, {
          description: 'Where it listens. Port 0 takes any free one. A change needs a restart.',
          default: '127.0.0.1:15000',
        }),
        { means: 'no admin API', word: 'off' },
      ),
    }),
    accessLog: section('A line per request, on standard output; by `outrider run` on standard error.', {
      format: choice(['json', 'text', 'off'], {
        description: '`json`: one JSON object a line. `text`: for reading. `off`: none.',
        default: 'json',
      }),
      sample: ratio({ description: 'The part of the requests that gets a line.', default: '100%' }),
      perSecond: count({
        description: 'Lines per second at most; what is left out is counted.',
        default: 1000,
        min: 1,
        max: 1_000_000,
      }),
    }),
    stop: section('How the sidecar stops.', {
      grace: duration({
        description: 'How long a stop waits for what is under way, at most.',
        default: '10s',
        min: '0s',
        max: '1h',
      }),
      quiet: duration({
        description: 'A stop is over when nothing has been open for so long.',
        default: '250ms',
        min: '0s',
        max: '1m',
      }),
    }),
  },
);

/** The file as it was read, defaults filled in. `sidecar-config.ts` has what the program works with. */
export type SidecarFile = DeepReadonly<Static<typeof SIDECAR_FILE_SCHEMA>>;

/** A null host stands for `auto`, a null port for the application's own. */
interface Advertised {
  readonly host: string | null;
  readonly port: number | null;
}

function parseAdvertised(text: string): Advertised | null {
  if (text === 'auto') return { host: null, port: null };
  const host = HOST.parse(text.replace(/^\[(.*)\]$/, '$1'));
  if (host !== null) return { host, port: null };
  const peer = PEER_ADDRESS.parse(text);
  return peer === null || HOST.parse(peer.host) === null ? null : peer;
}

function printAdvertised({ host, port }: Advertised): string {
  if (host === null) return 'auto';
  return port === null ? host : formatHostPort({ host, port });
}
