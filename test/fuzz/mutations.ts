import type { Corpus } from './corpus.ts';
import type { Random } from './random.ts';

/** What breaks lines, words and numbers, for one parser or another. */
const HOT = [
  '\r',
  '\n',
  '\r\n',
  '\0',
  ' ',
  '\t',
  '\x0b',
  '\x0c',
  '\x85',
  '\xa0',
  '\xff',
  '\x7f',
  '\r\n ',
  '\n\r\n',
];
const HOT_ASCII = [
  ':',
  ';',
  ',',
  '=',
  '"',
  '\\',
  '/',
  '?',
  '#',
  '@',
  '-',
  '+',
  '_',
  '%',
  '*',
  '[',
  ']',
  '(',
  '.',
];
const NUMBERS = [
  '0',
  '1',
  '5',
  '00',
  '+1',
  '-1',
  '0x5',
  'a',
  'F',
  '4294967297',
  '9007199254740993',
  '18446744073709551616',
  'ffffffffffffffff',
];
const LINES = [
  'Content-Length: 0',
  'Content-Length: 5',
  'content-length: 44',
  'Content-Length: 5, 5',
  'Content-Length : 5',
  'Transfer-Encoding: chunked',
  'transfer-encoding: Chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding:\x0bchunked',
  ' Transfer-Encoding: chunked',
  'X: y\nTransfer-Encoding: chunked',
  'Host: other',
  'Host:',
  'Connection: close',
  'Connection: keep-alive',
  'Connection: host, content-length, transfer-encoding, x-a',
  'Connection: upgrade',
  'Upgrade: websocket',
  'Upgrade: h2c',
  'Expect: 100-continue',
  'Expect: x',
  'Max-Forwards: 3',
  'TE: trailers',
  'Keep-Alive: timeout=5',
  'Date: Tue, 15 Nov 1994 08:12:31 GMT',
  'Trailer: X-A',
  'X-A: b',
  'X-A: \xe9\xa0 b',
  ' folded',
  'GET /smuggled HTTP/1.1',
  '0',
  '',
];

type Mutation = (text: string, random: Random, others: readonly string[]) => string;

const MUTATIONS: readonly Mutation[] = [
  function flipBit(text, random) {
    const at = random.below(text.length);
    return replaced(text, at, 1, String.fromCharCode(text.charCodeAt(at) ^ (1 << random.below(8))));
  },
  function replaceByte(text, random) {
    const at = random.below(text.length);
    return replaced(text, at, 1, random.oneIn(4) ? String.fromCharCode(random.below(256)) : random.pick(HOT));
  },
  function insertHot(text, random) {
    const hot = random.pick(HOT);
    return replaced(text, joint(text, random), 0, random.oneIn(8) ? hot.repeat(1 + random.below(5)) : hot);
  },
  function insertDelimiter(text, random) {
    return replaced(text, joint(text, random), 0, random.pick(HOT_ASCII));
  },
  function remove(text, random) {
    const length = random.oneIn(2) ? 1 : 1 + random.below(8);
    return replaced(text, joint(text, random), length, '');
  },
  function duplicate(text, random) {
    const at = random.below(text.length);
    const part = text.slice(at, at + 1 + random.below(random.oneIn(2) ? 4 : 60));
    return replaced(text, at, 0, part);
  },
  function splice(text, random, others) {
    const other = random.pick(others);
    return text.slice(0, joint(text, random)) + other.slice(joint(other, random));
  },
  function changeCase(text, random) {
    const from = random.below(text.length);
    const offset = text.slice(from).search(/[A-Za-z]/);
    if (offset < 0) return text;
    const at = from + offset;
    return replaced(text, at, 1, String.fromCharCode(text.charCodeAt(at) ^ 0x20));
  },
  function changeNumber(text, random) {
    const numbers = [...text.matchAll(/[0-9]+/g)];
    if (numbers.length === 0) return text;
    const number = random.pick(numbers);
    const changed = random.oneIn(2)
      ? random.pick(NUMBERS)
      : String(Math.max(0, Number(number[0]) + random.below(5) - 2));
    return replaced(text, number.index, number[0].length, changed);
  },
  function insertLine(text, random) {
    return replaced(text, lineStart(text, random), 0, `${random.pick(LINES)}\r\n`);
  },
  function duplicateLine(text, random) {
    const from = lineStart(text, random);
    const line = text.slice(from, lineEnd(text, from));
    return replaced(text, random.oneIn(2) ? from : lineStart(text, random), 0, line);
  },
  function removeLine(text, random) {
    const from = lineStart(text, random);
    return replaced(text, from, lineEnd(text, from) - from, '');
  },
  function breakLineEnd(text, random) {
    const at = lineEnd(text, lineStart(text, random)) - 2;
    return replaced(
      text,
      Math.max(0, at),
      2,
      random.pick(['\n', '\r', '\n\r', '\r\r\n', ' \r\n', '\r\n\r\n', '']),
    );
  },
];

/** Changes a text of the corpus, more often a good one, in one or a few places. */
export function mutated(corpus: Corpus, random: Random): string {
  const text = random.pick(random.oneIn(4) ? corpus.smuggling : corpus.good);
  const others = random.oneIn(2) ? corpus.smuggling : corpus.good;
  return mutate(text, random, others);
}

function mutate(text: string, random: Random, others: readonly string[]): string {
  let changed = text;
  do {
    if (changed.length === 0) return text;
    changed = random.pick(MUTATIONS)(changed, random, others);
  } while (random.oneIn(2));
  return changed.slice(0, MOST_BYTES);
}

/** Keeps repeated duplication within what a head may have. */
const MOST_BYTES = 4000;

function replaced(text: string, at: number, length: number, by: string): string {
  return text.slice(0, at) + by + text.slice(at + length);
}

/** A place where words meet, mostly: that is where parsers differ. */
function joint(text: string, random: Random): number {
  const anywhere = random.below(text.length + 1);
  if (random.oneIn(3)) return anywhere;
  for (let at = anywhere; at < text.length; at++) {
    if (/[\r\n:;, ="]/.test(text[at])) return at + random.below(2);
  }
  return anywhere;
}

function lineStart(text: string, random: Random): number {
  const at = text.indexOf('\r\n', random.below(text.length));
  return at < 0 ? 0 : at + 2;
}

function lineEnd(text: string, from: number): number {
  const at = text.indexOf('\r\n', from);
  return at < 0 ? text.length : at + 2;
}
