/** What a runner counted. */
export type Tally = { passed: number; failed: number; skipped: number };

/** The last line of every runner, which `.ci/run` reads and sums. */
export function report(name: string, { passed, failed, skipped }: Tally): void {
  console.log(`${name}: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
}

/** Counts the cases of a JUnit document, and names those that failed and those that were skipped. */
export function readJunit(xml: string): Tally & { failures: string[]; skips: string[] } {
  const tally = { passed: 0, failed: 0, skipped: 0, failures: [] as string[], skips: [] as string[] };
  for (const [, attributes = "", closed, body = ""] of xml.matchAll(
    /<testcase\b((?:[^>"']|"[^"]*"|'[^']*')*?)(?:(\/>)|>([\s\S]*?)<\/testcase>)/g,
  )) {
    const content = closed === undefined ? body : "";
    const name = /\bname="([^"]*)"/.exec(attributes)?.[1] ?? "without a name";
    if (/<(?:failure|error)\b/.test(content) || /\bstatus="(?:failure|error)"/.test(attributes)) {
      tally.failed++;
      tally.failures.push(name);
    } else if (/<skipped\b/.test(content) || /\bstatus="(?:skipped|disabled)"/.test(attributes)) {
      tally.skipped++;
      tally.skips.push(name);
    } else tally.passed++;
  }
  return tally;
}
