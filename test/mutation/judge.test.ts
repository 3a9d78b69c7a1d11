import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { joined, judge, type List, placesOfSurvivors, type Report } from "./judge.ts";

const source = "if (a) {\n  b();\n}\n";
const condition = { start: { line: 1, column: 5 }, end: { line: 1, column: 6 } };
const block = { start: { line: 1, column: 8 }, end: { line: 3, column: 2 } };
const reportOf = (...mutants: Report["files"][string]["mutants"]): Report => ({
  files: { "a.ts": { source, mutants } },
});
const survivor = { file: "a.ts", line: "if (a) {", becomes: "if (true) {" };
const list = (...becomes: string[]): List => ({ "a.ts": [{ line: "if (a) {", becomes, why: "a is always true." }] });
const known = list("if (true) {");
const alive = { status: "Survived", replacement: "true", location: condition };

test("a change that a test noticed, that never ended, or with which nothing could be loaded, was killed", () => {
  const report = reportOf(
    { ...alive, status: "Killed" },
    { ...alive, status: "Timeout" },
    { ...alive, status: "RuntimeError" },
    { ...alive, status: "Ignored" },
  );
  expect(judge(report, {})).toEqual({ killed: 3, unknown: [], gone: [] });
});

test.each(["Survived", "NoCoverage"])("%s: it is named with its line", (status) => {
  expect(judge(reportOf({ ...alive, status }), {})).toEqual({ killed: 0, unknown: [survivor], gone: [] });
  expect(judge(reportOf({ ...alive, status }), known)).toEqual({ killed: 0, unknown: [], gone: [] });
});

test("a change of several lines is named by the first", () => {
  const report = reportOf({ status: "Survived", replacement: "{}", location: block });
  expect(judge(report, {}).unknown).toEqual([{ file: "a.ts", line: "if (a) {", becomes: "if (a) {}" }]);
});

test("another change of the same line is another one", () => {
  const other = { ...alive, replacement: "false" };
  expect(judge(reportOf(other), known)).toMatchObject({ unknown: [{ becomes: "if (false) {" }], gone: [survivor] });
  expect(judge(reportOf(alive, other), list("if (true) {", "if (false) {"))).toMatchObject({ unknown: [], gone: [] });
});

test("a change that may live, and did not end in time here, is not gone", () => {
  expect(judge(reportOf({ ...alive, status: "Timeout" }), known)).toEqual({ killed: 1, unknown: [], gone: [] });
});

test("an entry that no change fits is gone, unless its file was left out", () => {
  const elsewhere: List = { ...known, "b.ts": known["a.ts"] ?? [] };
  expect(judge(reportOf({ ...alive, status: "Killed" }), elsewhere).gone).toEqual([survivor]);
});

test("the list gives a reason for each, and has each line once for each reason", () => {
  const committed: List = JSON.parse(readFileSync(new URL("survivors.json", import.meta.url), "utf8"));
  for (const entries of Object.values(committed)) {
    for (const { why, becomes } of entries) {
      expect(why).toMatch(/^[A-Z`].+\.$/);
      expect(becomes.length).toBeGreaterThan(0);
    }
    const named = entries.map(({ line, why }) => `${line} ${why}`);
    expect(named).toEqual([...new Set(named)]);
  }
});

test("survivors of one round are tried again in the next, by their places", () => {
  const killed = { ...alive, replacement: "false", status: "Killed" };
  const first = reportOf(alive, killed, { status: "NoCoverage", replacement: "{}", location: block });
  // Stryker reports columns from 1, and takes them from 0.
  expect(placesOfSurvivors(first)).toEqual(["a.ts:1:4-1:5", "a.ts:1:7-3:1"]);
  const second = reportOf({ ...alive, status: "Killed" }, { ...killed, status: "Survived" });
  expect(joined(first, second).files["a.ts"]?.mutants.map(({ status }) => status)).toEqual([
    "Killed",
    "Killed",
    "NoCoverage",
  ]);
});
