import { readFileSync } from 'node:fs';

/** How the system completes a name that is not a whole one, as in resolv.conf(5). */
export interface SearchDomains {
  readonly domains: readonly string[];
  /** A name with fewer dots is looked for in the domains first. */
  readonly ndots: number;
}

/** As the system says it now. */
export function readSearchDomains(path = '/etc/resolv.conf'): SearchDomains {
  try {
    return parseSearchDomains(readFileSync(path, 'utf8'));
  } catch {
    return { domains: [], ndots: 1 };
  }
}

/** The last `search` or `domain` counts. */
export function parseSearchDomains(text: string): SearchDomains {
  let domains: string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [key, ...words] = line.trim().split(/\s+/);
    if (key === 'search') domains = words;
    else if (key === 'domain') domains = words.slice(0, 1);
    else if (key === 'options') {
      const said = words.findLast(word => /^ndots:\d+$/.test(word));
      if (said !== undefined) ndots = Math.min(MAX_NDOTS, Number(said.slice('ndots:'.length)));
    }
  }
  return { domains: domains.filter(domain => domain !== '.').slice(0, MAX_DOMAINS), ndots };
}

const MAX_NDOTS = 15;
const MAX_DOMAINS = 6;

/** The names to ask for, in order. */
export function completions(name: string, { domains, ndots }: SearchDomains): string[] {
  if (name.endsWith('.')) return [name];
  const inDomains = domains.map(domain => `${name}.${domain}`);
  const dots = name.split('.').length - 1;
  return dots >= ndots ? [name, ...inDomains] : [...inDomains, name];
}
