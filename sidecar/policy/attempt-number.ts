import type { Exchange } from '../exchange/exchange.ts';
import { type Fields, getField, removeFields, setField } from '../exchange/fields.ts';

/** Says which attempt of an exchange this is, 2 and more; only further attempts have it. */
const ATTEMPT_FIELD = 'x-outrider-attempt';

/** Which attempt of the one who sent the exchange this is; 1 where it does not say. Nothing else is done with what it says. */
export function outerAttempt(exchange: Exchange): number {
  if (exchange.outerAttempt === 0) exchange.outerAttempt = saidAttempt(exchange);
  return exchange.outerAttempt;
}

/** Says in the request that the attempt which is sent next is another one. */
export function markFurtherAttempt(exchange: Exchange): void {
  const number = outerAttempt(exchange) + ++exchange.furtherAttempts;
  setField(exchange.head.fields, ATTEMPT_FIELD, ATTEMPT_FIELD, String(number));
}

/** The request's fields as they came, without what was said of attempts that were made here: a copy. */
export function withoutFurtherAttempts(exchange: Exchange): Fields {
  const fields = [...exchange.head.fields];
  const number = outerAttempt(exchange);
  if (number === 1) removeFields(fields, ATTEMPT_FIELD);
  else setField(fields, ATTEMPT_FIELD, ATTEMPT_FIELD, String(number));
  return fields;
}

function saidAttempt({ head }: Exchange): number {
  const said = getField(head.fields, ATTEMPT_FIELD);
  if (said === undefined || said === '1') return 1;
  return /^[2-9]$|^[1-9]\d$/.test(said) ? Number(said) : 2;
}
