import type { Fields } from '../exchange/fields.ts';
import { listItems } from './characters.ts';

/**
 * Fields that a `Connection` option can't take away: they are for all recipients, so naming them there is an error of the
 * sender's (RFC 9110 section 7.6.1), and one that would change what the message means or where it ends.
 */
const FOR_ALL_RECIPIENTS: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'expect',
  'host',
  'max-forwards',
  'set-cookie',
  'trailer',
  'transfer-encoding',
  'via',
]);

/** What a `Connection` field says. */
interface ConnectionOptions {
  readonly close: boolean;
  readonly keepAlive: boolean;
  readonly upgrade: boolean;
  /** The options but `close`, in lower case: fields of these names, trailers too, go no further. Null where there are none. */
  readonly nominated: ReadonlySet<string> | null;
}

const NO_OPTIONS: ConnectionOptions = { close: false, keepAlive: false, upgrade: false, nominated: null };
const CLOSE: ConnectionOptions = { close: true, keepAlive: false, upgrade: false, nominated: null };
const KEEP_ALIVE: ConnectionOptions = { close: false, keepAlive: true, upgrade: false, nominated: null };

/**
 * Reads the options of a `Connection` field and removes the fields that it nominates (RFC 9110 section 7.6.1).
 * @param connection the field's lines as one list, or null
 * @param fields the message's other fields; nominated ones are removed from it
 */
export function applyConnectionOptions(connection: string | null, fields: Fields): ConnectionOptions {
  if (connection === null) return NO_OPTIONS;
  if (connection === 'keep-alive' || connection === 'Keep-Alive') return KEEP_ALIVE;
  if (connection === 'close' || connection === 'Close') return CLOSE;
  const nominated = new Set(listItems(connection));
  // An option that is no field's name.
  const close = nominated.delete('close');
  for (let i = fields.length - 2; i >= 0; i -= 2) {
    const name = fields[i].toLowerCase();
    if (nominated.has(name) && !FOR_ALL_RECIPIENTS.has(name)) fields.splice(i, 2);
  }
  return {
    close,
    keepAlive: nominated.has('keep-alive'),
    upgrade: nominated.has('upgrade'),
    nominated,
  };
}
