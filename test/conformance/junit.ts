import type { Outcome } from "./judge/case.ts";

/** A JUnit document: a suite for the judge, a case for each outcome, its level as part of the class. */
export function toJunit(name: string, outcomes: readonly Outcome[]): string {
  const failures = outcomes.filter(({ failure }) => failure !== undefined).length;
  const seconds = outcomes.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / 1000;
  const counts = `tests="${outcomes.length}" failures="${failures}" errors="0" skipped="0" time="${seconds.toFixed(3)}"`;
  const cases = outcomes.map(({ group, level, name: title, milliseconds, failure }) => {
    const attributes = `classname="${quoted(`${level}.${group}`)}" name="${quoted(`${group}: ${title}`)}" time="${(milliseconds / 1000).toFixed(3)}"`;
    if (failure === undefined) return `    <testcase ${attributes}/>`;
    return `    <testcase ${attributes}><failure message="${quoted(failure)}"/></testcase>`;
  });
  const suite = `  <testsuite name="${quoted(name)}" ${counts}>\n${cases.join("\n")}\n  </testsuite>`;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ${counts}>\n${suite}\n</testsuites>\n`;
}

function quoted(text: string): string {
  const named: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  // XML has no way to write most control characters.
  return text.replace(/[&<>"]/g, (character) => named[character] ?? "").replace(/\p{Cc}/gu, " ");
}
