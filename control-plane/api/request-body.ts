import { isUtf8 } from 'node:buffer';
import type { Static, TObject } from '@sinclair/typebox';
import { documentOf, TooDeep, treeOf } from '../contract/document-tree.ts';
import { print } from '../contract/print.ts';
import { formatKeyPath, hasErrors, type Problem, problem, sortProblems } from '../contract/problem.ts';
import { read, type WrittenSettings } from '../contract/read.ts';
import { type MapNode, type SourceNode, wholeOf } from '../contract/source-tree.ts';
import { parseYaml } from '../contract/yaml-source.ts';
import { ApiProblem, invalid } from './api-problem.ts';
import { findRepeatedKey } from './repeated-key.ts';

/** The longest body that is read, in bytes. */
export const BODY_LIMIT = 1024 * 1024;

/** The longest body of YAML: each byte of it can take ten times as long to understand as one of JSON. */
const YAML_LIMIT = 64 * 1024;

export const JSON_TYPES = ['application/json'] as const;
export const YAML_TYPES = ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/x-yaml'] as const;

const WRONG_BODY = 'The body is not what it should be';

/** A body as it came. */
export interface RawBody {
  readonly format: 'json' | 'yaml';
  readonly bytes: Buffer;
}

/** A body that was understood. */
export interface ReadBody<T> {
  readonly value: T;
  /** What was written, nothing added, in the notation of files. */
  readonly document: Readonly<Record<string, unknown>>;
}

/** Judges that go beyond what a schema can say. */
type FurtherCheck<T> = (value: T, written: WrittenSettings) => readonly Problem[];

/** @throws ApiProblem 400 that names every field that is wrong; 413 where it is too much YAML */
export function readBody<S extends TObject>(
  schema: S,
  body: RawBody | null,
  check: FurtherCheck<Static<S>> = () => [],
): ReadBody<Static<S>> {
  if (body === null || body.bytes.length === 0) {
    throw new ApiProblem(400, 'The body is missing; send JSON or YAML with a content-type that says which.');
  }
  const root = body.format === 'json' ? parseJson(body.bytes) : parseYamlBody(body.bytes);
  const { value, problems, written } = read(schema, root);
  const all = sortProblems([...problems, ...check(value, written)]);
  if (hasErrors(all)) throw invalid(WRONG_BODY, all);
  return { value, document: documentOf(root, print(schema, value)) };
}

/** @throws ApiProblem 400 that names every parameter that is wrong */
export function readQuery<S extends TObject>(schema: S, query: Readonly<Record<string, unknown>>): Static<S> {
  const at = wholeOf('query');
  const scalar = (text: unknown): SourceNode => ({
    kind: 'scalar',
    value: String(text),
    text: String(text),
    untyped: true,
    at,
  });
  const entries = Object.entries(query).map(([key, value]) => ({
    key,
    keyAt: at,
    value: Array.isArray(value) ? { kind: 'list' as const, items: value.map(scalar), at } : scalar(value),
  }));
  const { value, problems } = read(schema, { kind: 'map', entries, at });
  if (hasErrors(problems)) throw invalid('The query is not what it should be', problems);
  return value;
}

function parseJson(bytes: Buffer): MapNode {
  if (!isUtf8(bytes))
    throw new ApiProblem(400, 'The body is not JSON: it is not UTF-8 (RFC 8259, section 8.1).');
  const text = bytes.toString('utf8');
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new ApiProblem(400, `The body is not JSON: ${(error as Error).message}`);
  }
  const root = expectMap(document);
  const repeated = findRepeatedKey(text);
  if (repeated === null) return root;
  throw invalid(WRONG_BODY, [problem(root.at, formatKeyPath(repeated), 'given twice')]);
}

function expectMap(document: unknown): MapNode {
  try {
    const root = treeOf(document, 'body');
    if (root.kind === 'map') return root;
    const wrong = problem(root.at, '', 'expected an object with fields');
    throw invalid(WRONG_BODY, [wrong]);
  } catch (error) {
    if (error instanceof TooDeep) throw new ApiProblem(400, `The ${error.message}.`);
    throw error;
  }
}

/** References to the environment mean nothing here: it is the control plane's own. */
function parseYamlBody(bytes: Buffer): MapNode {
  if (bytes.length > YAML_LIMIT) {
    const detail = `The body is longer than ${YAML_LIMIT} bytes, which is the most that is read of YAML: send JSON, of which ${BODY_LIMIT} are.`;
    throw new ApiProblem(413, detail);
  }
  const { root, problems } = parseYaml('body', bytes, {});
  if (root === null || problems.length > 0) throw invalid(WRONG_BODY, problems);
  return root;
}
