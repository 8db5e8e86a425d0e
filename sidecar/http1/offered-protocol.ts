import { listItems } from './characters.ts';

/**
 * Whether what an answer switches to was offered in the request (RFC 9110 section 7.8).
 * @param chosen the Upgrade field of the answer, or null
 * @param offered that of the request, or null
 */
export function isOffered(chosen: string | null, offered: string | null): boolean {
  if (chosen === null || offered === null) return false;
  const protocols = listItems(offered);
  return listItems(chosen).every(protocol => protocols.includes(protocol));
}
