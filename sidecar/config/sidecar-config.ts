import type { HostPort } from '../../control-plane/contract/host-port.ts';
import type { Policy } from '../../control-plane/contract/policy.ts';
import type { EndpointSpec } from '../upstream/endpoint.ts';

/**
 * The sidecar's configuration as the program sees it: complete, checked and immutable. Durations are milliseconds,
 * ratios 0 to 1, sizes bytes. A changed file makes a new one; a request sees one of them from start to end.
 */
export interface SidecarConfig {
  /** The application beside this sidecar. */
  readonly service: string | null;
  readonly app: AppConfig | null;
  readonly controlPlane: ControlPlaneConfig | null;
  readonly egress: EgressConfig;
  /** Whether faults that a policy asks for are made. */
  readonly faults: 'allow' | 'refuse';
  /** By name. */
  readonly upstreams: ReadonlyMap<string, UpstreamConfig>;
  readonly downstream: DownstreamConfig;
  /** Connections to endpoints of all upstreams together. */
  readonly connections: number;
  /** Null where the admin API is off. */
  readonly admin: HostPort | null;
  readonly accessLog: AccessLogConfig;
  readonly stop: StopConfig;
}

/** The application that the control plane is told about. */
export interface AppConfig {
  readonly port: number;
  readonly health: AppHealthConfig;
  /** Null: the local address of the connection to the control plane. A null port: the application's. */
  readonly advertise: { readonly host: string; readonly port: number | null } | null;
  readonly version: string | null;
  readonly zone: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface AppHealthConfig {
  /** The path of a GET that has to succeed; null: that a connection comes up is enough. */
  readonly path: string | null;
  readonly interval: number;
  readonly timeout: number;
}

export interface ControlPlaneConfig {
  /** `http:` or `https:`, without a slash at its end. */
  readonly url: string;
  /** Empty where none is needed. Never shown. */
  readonly token: string;
  /** The file that keeps what was known last; `auto`: one in the user's folder for state; null: none. */
  readonly snapshot: string | null;
}

export interface EgressConfig {
  /** The port for requests by host name and as an HTTP proxy; null where there is none. */
  readonly listen: HostPort | null;
  /** Port to upstream, on the host of `listen`, or 127.0.0.1. */
  readonly ports: ReadonlyMap<number, string>;
  readonly unknownHosts: 'pass' | 'refuse';
  readonly connect: {
    /** The ports of unknown hosts that CONNECT may reach. */
    readonly ports: readonly number[] | 'any';
  };
  /** Whether `Via` is added to requests and answers. */
  readonly via: boolean;
}

export interface UpstreamConfig {
  readonly name: string;
  readonly endpoints: UpstreamEndpoints;
  readonly policy: Policy;
}

export type UpstreamEndpoints =
  /** Whatever the control plane says of the service; nothing that a sidecar file writes. */
  | { readonly kind: 'control-plane' }
  | { readonly kind: 'static'; readonly endpoints: readonly EndpointSpec[] }
  /** A null port: the host's SRV records say where the endpoints are. */
  | { readonly kind: 'dns'; readonly host: string; readonly port: number | null };

/** What an application's connection may ask for. */
interface DownstreamConfig {
  /** Bytes of request line and fields together (431). */
  readonly headSize: number;
  /** Fields in a head (431). */
  readonly headFields: number;
  /** How long a head may take from its first byte on (408). */
  readonly headTimeout: number;
  /** How long an unused connection is kept. */
  readonly idleTimeout: number;
  /** Connections of applications in all. */
  readonly connections: number;
  /** Bytes of further requests that are held per connection. */
  readonly pipelined: number;
  /** How long an answer is still sent to an application that has closed its sending side. */
  readonly halfClose: number;
  /** The largest request body (413); null: no limit. */
  readonly requestBody: number | null;
}

interface AccessLogConfig {
  readonly format: 'json' | 'text' | 'off';
  /** The part of the exchanges that gets a line. */
  readonly sample: number;
  /** Lines per second at most. */
  readonly perSecond: number;
}

interface StopConfig {
  /** How long a stop waits for what is under way, at most. */
  readonly grace: number;
  /** A stop is over when nothing has been open for so long. */
  readonly quiet: number;
}
