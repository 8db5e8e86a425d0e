import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { SIDECAR_HEADER } from '../contract/watch-messages.ts';
import { type Actor, otherActor, sidecarActor } from '../registry/actor.ts';
import { ApiProblem } from './api-problem.ts';
import { SIDECAR_ID } from './header-fields.ts';
import type { Access } from './route.ts';

/** The secrets of the API; both null: anybody who can reach it may do everything. */
export interface Tokens {
  /** May do everything. */
  readonly admin: string | null;
  /** May read, watch, and register instances. */
  readonly sidecar: string | null;
}

type Role = 'admin' | 'sidecar' | 'anybody';

/** Says who makes a call, and whether he may. */
export class AccessControl {
  readonly hasTokens: boolean;
  private readonly digests: readonly { readonly role: Role; readonly digest: Buffer }[];

  constructor({ admin, sidecar }: Tokens) {
    const digests: { role: Role; digest: Buffer }[] = [];
    if (admin !== null) digests.push({ role: 'admin', digest: digestOf(admin) });
    if (sidecar !== null) digests.push({ role: 'sidecar', digest: digestOf(sidecar) });
    this.digests = digests;
    this.hasTokens = digests.length > 0;
  }

  /** @throws ApiProblem 400, 401 or 403 */
  admit(headers: IncomingHttpHeaders, access: Access): Actor {
    const role = access === 'open' ? 'anybody' : this.roleOf(headers);
    if (access === 'admin' && role === 'sidecar') {
      throw new ApiProblem(403, 'This call needs the admin token; the sidecar token does not do.');
    }
    const sidecar = headers[SIDECAR_HEADER];
    if (sidecar === undefined) return otherActor(role === 'sidecar' ? 'application' : role);
    return sidecarActor(SIDECAR_ID.read(String(sidecar)));
  }

  private roleOf({ authorization }: IncomingHttpHeaders): Role {
    if (!this.hasTokens) return 'anybody';
    const [, token] = /^bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
    if (token === undefined) {
      const what = authorization === undefined ? 'none came' : 'another kind of authorization came';
      throw unauthorized(`This call needs a token (Authorization: Bearer …); ${what}.`);
    }
    const digest = digestOf(token);
    let role: Role | null = null;
    // All are compared, so that the time tells nothing.
    for (const known of this.digests) if (timingSafeEqual(known.digest, digest)) role ??= known.role;
    if (role === null) throw unauthorized('The token is not one of this control plane.');
    return role;
  }
}

function unauthorized(detail: string): ApiProblem {
  return new ApiProblem(401, detail, { headers: { 'www-authenticate': 'Bearer realm="outrider"' } });
}

/** Of one length whatever the token's, as a comparison in constant time needs it. */
function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
