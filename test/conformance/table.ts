import type { Case } from './case.ts';
import { CHUNKED } from './cases/chunked.ts';
import { CONNECTION_FIELDS } from './cases/connection-fields.ts';
import { CONTENT_LENGTH } from './cases/content-length.ts';
import { DESYNC } from './cases/desync.ts';
import { EXPECT } from './cases/expect.ts';
import { FIELD_LINES } from './cases/field-lines.ts';
import { HOST } from './cases/host.ts';
import { INCOMPLETE_REQUESTS } from './cases/incomplete-requests.ts';
import { PIPELINING } from './cases/pipelining.ts';
import { REQUEST_LINE } from './cases/request-line.ts';
import { REQUEST_TARGET } from './cases/request-target.ts';
import { RESPONSE_CHUNKED } from './cases/response-chunked.ts';
import { RESPONSE_LENGTH } from './cases/response-length.ts';
import { RESPONSE_QUEUE } from './cases/response-queue.ts';
import { RESPONSE_WITHOUT_BODY } from './cases/response-without-body.ts';
import { RESPONSES } from './cases/responses.ts';
import { SMUGGLING } from './cases/smuggling.ts';
import { TRANSFER_ENCODING } from './cases/transfer-encoding.ts';
import { UPGRADE_CONNECT } from './cases/upgrade-connect.ts';
import { VIA_AND_MAX_FORWARDS } from './cases/via-and-max-forwards.ts';

/** Every case, by what it is about. */
export const TABLE: Readonly<Record<string, readonly Case[]>> = {
  'the request line': REQUEST_LINE,
  'the target': REQUEST_TARGET,
  Host: HOST,
  'field lines': FIELD_LINES,
  'Content-Length': CONTENT_LENGTH,
  'Transfer-Encoding': TRANSFER_ENCODING,
  chunks: CHUNKED,
  'incomplete requests': INCOMPLETE_REQUESTS,
  pipelining: PIPELINING,
  'Expect and interim answers': EXPECT,
  'fields of one connection': CONNECTION_FIELDS,
  'Via and Max-Forwards': VIA_AND_MAX_FORWARDS,
  'Upgrade and CONNECT': UPGRADE_CONNECT,
  smuggling: SMUGGLING,
  desynchronisation: DESYNC,
  'heads of answers': RESPONSES,
  'lengths of answers': RESPONSE_LENGTH,
  'chunks of answers': RESPONSE_CHUNKED,
  'answers without a body': RESPONSE_WITHOUT_BODY,
  'what comes behind an answer': RESPONSE_QUEUE,
};
