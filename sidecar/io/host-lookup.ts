import { isIP, type LookupFunction } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type AddressRecord,
  isAbsence,
  isSilence,
  type NameResolver,
  SystemResolver,
} from './name-resolver.ts';
import { completions, readSearchDomains, type SearchDomains } from './search-domains.ts';

/** Why there is no address: `ENOTFOUND` (there is no such name) or `EAI_AGAIN` (nobody could say). */
export type LookUpError = Error & { readonly code: 'ENOTFOUND' | 'EAI_AGAIN' };

/** Told how it went, once, in a later turn. Without an error there is at least one address. */
type LookUpDone = (error: LookUpError | null, addresses: readonly string[]) => void;

/**
 * From a host's name to its addresses, in the system's order: the hosts file, DNS with the search domains, then whatever else the
 * system asks. Not by `dns.lookup`: each of those takes one of the runtime's four threads for as long as DNS is silent, so that
 * four dead names stop all others, and files too.
 *
 * All who look up a name at the same time share one lookup, and for a second its answer.
 */
export class HostLookup {
  private readonly resolver: NameResolver;
  private readonly searchDomains: () => SearchDomains;
  private readonly clock: () => number;
  private readonly underWay = new Map<string, SharedLookup>();
  private readonly answers = new Map<string, Answer>();

  constructor(
    resolver: NameResolver,
    searchDomains: () => SearchDomains = readSearchDomains,
    clock: () => number = () => performance.now(),
  ) {
    this.resolver = resolver;
    this.searchDomains = searchDomains;
    this.clock = clock;
  }

  /** @returns gives up; `done` is told nothing more */
  lookUp(host: string, done: LookUpDone): () => void {
    const name = host.toLowerCase();
    const shared = this.underWay.get(name) ?? this.start(name);
    shared.waiting.add(done);
    return () => {
      shared.waiting.delete(done);
      if (shared.waiting.size > 0) return;
      shared.ending.abort();
      this.forget(name, shared);
    };
  }

  /** The same for `net.connect` and `http.request`. */
  readonly lookup: LookupFunction = (host, options, callback) => {
    this.lookUp(host, (error, found) => {
      const family = options.family === 4 || options.family === 6 ? options.family : 0;
      const fitting = found.filter(address => family === 0 || isIP(address) === family);
      const problem = error ?? (fitting.length === 0 ? lookUpError('ENOTFOUND', 'ENODATA') : null);
      if (problem !== null) callback(problem, '', 0);
      else if (options.all)
        callback(
          null,
          fitting.map(address => ({ address, family: isIP(address) })),
        );
      else callback(null, fitting[0], isIP(fitting[0]));
    });
  };

  private start(name: string): SharedLookup {
    const shared: SharedLookup = { waiting: new Set(), ending: new AbortController() };
    this.underWay.set(name, shared);
    this.find(name, shared.ending.signal).then(
      addresses => this.tell(name, shared, null, addresses),
      error => this.tell(name, shared, explain(error), []),
    );
    return shared;
  }

  private tell(name: string, shared: SharedLookup, error: LookUpError | null, addresses: readonly string[]) {
    this.forget(name, shared);
    for (const done of shared.waiting) done(error, addresses);
  }

  private forget(name: string, shared: SharedLookup): void {
    if (this.underWay.get(name) === shared) this.underWay.delete(name);
  }

  private async find(name: string, signal: AbortSignal): Promise<readonly string[]> {
    if (isIP(name) !== 0) return [name];
    const said = this.resolver.inHostsFile(name);
    if (said.length > 0) return said;
    const known = this.answers.get(name);
    if (known !== undefined && this.clock() < known.until) return known.addresses;
    const { addresses, ttl } = await this.ask(name, signal);
    if (addresses.length === 0) throw lookUpError('ENOTFOUND', 'ENODATA');
    this.remember(name, { addresses, until: this.clock() + Math.min(ttl * 1000, MAX_AGE_MS) });
    return addresses;
  }

  private async ask(name: string, signal: AbortSignal): Promise<Found> {
    let failed: unknown = null;
    for (const completion of completions(name, this.searchDomains())) {
      try {
        return await askDns(this.resolver, completion, signal);
      } catch (error) {
        if (isSilence(error)) throw error;
        if (failed === null || isAbsence(failed)) failed = error;
      }
    }
    if (signal.aborted) throw failed;
    const addresses = await this.resolver.lookup(name).catch(() => {
      throw failed;
    });
    return { addresses: inOrder(addresses), ttl: MAX_AGE_MS / 1000 };
  }

  private remember(name: string, answer: Answer): void {
    this.answers.delete(name);
    this.answers.set(name, answer);
    for (const oldest of this.answers.keys()) {
      if (this.answers.size <= MAX_ANSWERS) break;
      this.answers.delete(oldest);
    }
  }
}

interface SharedLookup {
  readonly waiting: Set<LookUpDone>;
  readonly ending: AbortController;
}

interface Answer {
  readonly addresses: readonly string[];
  readonly until: number;
}

interface Found {
  readonly addresses: readonly string[];
  /** Seconds. */
  readonly ttl: number;
}

/** Docker's DNS says 600 s of what may change at any moment. */
const MAX_AGE_MS = 1000;
const MAX_ANSWERS = 256;
/** RFC 8305 section 3: how long the other family's answer is waited for. */
const OTHER_FAMILY_MS = 50;

/** Both families: which of them leads anywhere shows when connecting. IPv4 first, as the mesh has it everywhere. */
async function askDns(resolver: NameResolver, name: string, signal: AbortSignal): Promise<Found> {
  const ipv6 = settled(resolver.resolve6(name, signal));
  const ipv4 = await settled(resolver.resolve4(name, signal));
  let others: Settled = { records: [], error: null };
  if (ipv4.records.length > 0) others = await Promise.race([ipv6, sleep(OTHER_FAMILY_MS, others)]);
  else if ((ipv4.error as NodeJS.ErrnoException | null)?.code !== 'ENOTFOUND') others = await ipv6;
  const records = [...ipv4.records, ...others.records];
  if (records.length > 0) {
    const ttl = Math.min(...records.map(record => record.ttl));
    return { addresses: records.map(({ address }) => address), ttl };
  }
  const errors = [ipv4.error, others.error].filter(error => error !== null);
  throw errors.find(error => !isAbsence(error)) ?? errors[0] ?? lookUpError('ENOTFOUND', 'ENODATA');
}

interface Settled {
  readonly records: readonly AddressRecord[];
  readonly error: unknown;
}

function settled(question: Promise<readonly AddressRecord[]>): Promise<Settled> {
  return question.then(
    records => ({ records, error: null }),
    error => ({ records: [], error }),
  );
}

function inOrder(addresses: readonly string[]): string[] {
  return [...addresses].sort((a, b) => isIP(a) - isIP(b));
}

function explain(error: unknown): LookUpError {
  const { code = String(error) } = error as NodeJS.ErrnoException;
  const isNoHost = isAbsence(error) || code === 'EBADNAME';
  return lookUpError(isNoHost ? 'ENOTFOUND' : 'EAI_AGAIN', code);
}

function lookUpError(code: LookUpError['code'], cause: string): LookUpError {
  const why = code === 'ENOTFOUND' ? 'there is no such host' : 'DNS gave no answer';
  return Object.assign(new Error(`${why} (${cause})`), { code });
}

/** The system's. */
export const hostLookup = new HostLookup(new SystemResolver());
