/**
 * The command blocks of a page, fenced as `sh`, each with what the page says about its run:
 * an `output` block after it is what it prints, and a comment right before it says what is not as usual:
 * `<!-- run: exits with 2 -->`, `<!-- run: interrupted once it says TEXT -->`, `<!-- run: with a Docker engine -->`, which is for a test
 * of its own, `<!-- not run: REASON -->`.
 */
export interface CommandBlock {
  /** The line of the page where the commands begin. */
  readonly line: number;
  readonly commands: string;
  /** Null where the page shows none. */
  readonly output: string | null;
  readonly run: Run;
}

/** How a block is run. */
export type Run =
  | { readonly kind: 'to-end'; readonly exitCode: number }
  | { readonly kind: 'interrupted'; readonly onceItSays: string }
  | { readonly kind: 'with-engine' }
  | { readonly kind: 'not'; readonly reason: string };

/** A page that says something which the test does not understand. */
export class PageError extends Error {}

/** Finds the command blocks of a page in Markdown. Throws {@link PageError}, with the line. */
export function findCommandBlocks(markdown: string): CommandBlock[] {
  const blocks: CommandBlock[] = [];
  const lines = markdown.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const language = lines[i].match(/^```(\S*)$/)?.[1];
    if (language === undefined) continue;
    const end = lines.indexOf('```', i + 1);
    if (end === -1) throw new PageError(`line ${i + 1}: the block is not closed`);
    const text = lines.slice(i + 1, end).join('\n');
    if (['bash', 'shell', 'console'].includes(language))
      throw new PageError(`line ${i + 1}: fence commands as sh`);
    if (language === 'sh')
      blocks.push({ line: i + 2, commands: text, output: null, run: parseMarker(lines, i) });
    if (language === 'output') {
      const last = blocks.at(-1);
      if (last === undefined || last.output !== null)
        throw new PageError(`line ${i + 1}: output without commands`);
      blocks[blocks.length - 1] = { ...last, output: text };
    }
    i = end;
  }
  return blocks;
}

function parseMarker(lines: readonly string[], fence: number): Run {
  const marker = lines[fence - 1]?.match(/^<!-- (.*) -->$/)?.[1];
  if (marker === undefined) return { kind: 'to-end', exitCode: 0 };
  const exitCode = marker.match(/^run: exits with (\d+)$/)?.[1];
  if (exitCode !== undefined) return { kind: 'to-end', exitCode: Number(exitCode) };
  const onceItSays = marker.match(/^run: interrupted once it says (.+)$/)?.[1];
  if (onceItSays !== undefined) return { kind: 'interrupted', onceItSays };
  if (marker === 'run: with a Docker engine') return { kind: 'with-engine' };
  const reason = marker.match(/^not run: (.+)$/)?.[1];
  if (reason !== undefined) return { kind: 'not', reason };
  throw new PageError(`line ${fence}: unknown marker: ${marker}`);
}
