import { expect, test } from "vitest";
import { judge, type Known, type Report } from "./judge.ts";

const source = "if (a) {\n  b();\n}\n";
const condition = { start: { line: 1, column: 5 }, end: { line: 1, column: 6 } };
const block = { start: { line: 1, column: 8 }, end: { line: 3, column: 2 } };
const reportOf = (...mutants: Report["files"][string]["mutants"]): Report => ({
  files: { "a.ts": { source, mutants } },
});
const survivor = { file: "a.ts", line: "if (a) {", becomes: "if (true) {" };
const known: Known = { ...survivor, why: "a is always true." };
const alive = { status: "Survived", replacement: "true", location: condition };

test("a change that a test noticed, that never ended, or with which nothing could be loaded, was killed", () => {
  const report = reportOf(
    { ...alive, status: "Killed" },
    { ...alive, status: "Timeout" },
    { ...alive, status: "RuntimeError" },
    { ...alive, status: "Ignored" },
  );
  expect(judge(report, [])).toEqual({ killed: 3, unknown: [], gone: [] });
});

test.each(["Survived", "NoCoverage"])("%s: it is named with its line", (status) => {
  expect(judge(reportOf({ ...alive, status }), [])).toEqual({ killed: 0, unknown: [survivor], gone: [] });
  expect(judge(reportOf({ ...alive, status }), [known])).toEqual({ killed: 0, unknown: [], gone: [] });
});

test("a change of several lines is named by the first", () => {
  const report = reportOf({ status: "Survived", replacement: "{}", location: block });
  expect(judge(report, []).unknown).toEqual([{ file: "a.ts", line: "if (a) {", becomes: "if (a) {}" }]);
});

test("another change of the same line is another one", () => {
  const other = { ...alive, replacement: "false" };
  expect(judge(reportOf(other), [known])).toMatchObject({ unknown: [{ becomes: "if (false) {" }], gone: [known] });
});

test("a change that may live, and did not end in time here, is not gone", () => {
  expect(judge(reportOf({ ...alive, status: "Timeout" }), [known])).toEqual({ killed: 1, unknown: [], gone: [] });
});

test("an entry that no change fits is gone, unless its file was left out", () => {
  const elsewhere = { ...known, file: "b.ts" };
  expect(judge(reportOf({ ...alive, status: "Killed" }), [known, elsewhere]).gone).toEqual([known]);
});
