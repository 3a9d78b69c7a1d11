/** One row of a platform's table: the calls of an operation in one case, in order. */
export interface Row {
  readonly operation: string;
  readonly title: string;
  /** Each as `service:action`, with `@region` where there are several. */
  readonly calls: readonly string[];
}

type Golden = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** The rows of a table that is written by operation, then by case. */
export function rowsOf(golden: Golden): readonly Row[] {
  return Object.entries(golden).flatMap(([operation, cases]) =>
    Object.entries(cases).map(([title, calls]) => ({ operation, title, calls })),
  );
}

/**
 * The table as the documentation shows it.
 *
 * @param apart calls that are listed one by one; others that follow each other are counted
 */
export function markdownOf(rows: readonly Row[], apart: readonly string[] = []): string {
  const lines = rows.map(({ operation, title, calls }) => {
    const groups: { action: string; count: number }[] = [];
    for (const call of calls) {
      const action = call.replace(/@.*/, "");
      const last = groups.at(-1);
      if (last?.action === action && !apart.includes(action)) last.count++;
      else groups.push({ action, count: 1 });
    }
    const list = groups.map(({ action, count }) => `\`${action}\`${count > 1 ? ` × ${count}` : ""}`).join(", ");
    return `| ${operation} | ${title} | ${calls.length} | ${list || "none"} |`;
  });
  return ["| operation | case | calls | which |", "|---|---|---|---|", ...lines].join("\n");
}
