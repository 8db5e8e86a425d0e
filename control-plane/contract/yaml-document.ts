import {
  Composer,
  type CST,
  type Document,
  Lexer,
  LineCounter,
  type ParsedNode,
  Parser,
  type YAMLError,
} from 'yaml';

/** A YAML document as the parser understands it. */
interface YamlDocument {
  readonly document: Document.Parsed<ParsedNode>;
  readonly complaints: readonly YAMLError[];
  readonly counter: LineCounter;
  /** Where a second document begins, which is one too many; null where there is none. */
  readonly secondAt: number | null;
}

/** Deeper than any schema. */
const MAX_DEPTH = 100;
/** Behind so many errors of form there is nothing to be understood. */
const MAX_ERRORS = 100;

/**
 * Parses YAML 1.2. What is nested too deeply is given up early, before the parser's recursive part sees it: close to the
 * end of the stack Node does not throw but abort.
 * @returns the offset of what is nested too deeply instead of a document
 */
export function parseYamlDocument(text: string): YamlDocument | { readonly tooDeepAt: number } {
  const counter = new LineCounter();
  counter.addNewLine(0);
  const parser = new Parser(counter.addNewLine);
  const tokens: CST.Token[] = [];
  let offset = 0;
  let errors = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) {
      tokens.push(token);
      if (token.type === 'error') errors++;
    }
    offset += lexeme.length;
    if (parser.stack.length > MAX_DEPTH) return { tooDeepAt: offset };
    if (errors > MAX_ERRORS) break;
  }
  tokens.push(...parser.end());
  const composer = new Composer<ParsedNode>(OPTIONS);
  const [document, second] = composer.compose(tokens, true, text.length);
  const complaints = [...document.errors, ...document.warnings];
  return { document, complaints, counter, secondAt: second?.range[0] ?? null };
}

const OPTIONS = {
  version: '1.2',
  schema: 'core',
  prettyErrors: false,
  // Looked for elsewhere: the parser's search is quadratic, and stops at the first.
  uniqueKeys: false,
  resolveKnownTags: false,
  logLevel: 'error',
} as const;
