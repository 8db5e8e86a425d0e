/** Lays out rows in columns: the first one to the left, numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map(row => width(row[column]))));
  return all
    .map(row =>
      row
        .map((cell, column) => {
          const space = ' '.repeat(widths[column] - width(cell));
          return column === 0 ? cell + space : space + cell;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function width(cell: string): number {
  return [...cell].length;
}
