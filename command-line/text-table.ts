/** Rows under a head, in columns as wide as they need. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map(row => row.map(printable));
  const widths = head.map((_, column) => Math.max(...all.map(row => row[column].length)));
  const lines = all.map(row => row.map((cell, column) => cell.padEnd(widths[column])).join('  '));
  return lines.map(line => `${line.trimEnd()}\n`).join('');
}

/** What others have said may not steer the terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ');
}
