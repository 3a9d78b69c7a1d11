/** How a cell of a table is set off; the text comes padded. */
export type Paint = (text: string) => string;

/** Lines in columns, each as wide as its widest cell. */
export function columns(
  rows: readonly (readonly string[])[],
  paintFirst: (row: number, column: number) => Paint,
): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[], index: number) =>
    row
      .map((cell, column) => {
        const last = column === row.length - 1;
        return paintFirst(index, column)(last ? cell : cell.padEnd((widths[column] ?? 0) + 2));
      })
      .join("");
  return rows.map((row, index) => `${line(row, index).trimEnd()}\n`).join("");
}
