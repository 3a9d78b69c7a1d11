import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { instrument } from "./trace/instrument.ts";
import { distanceOf, hopsIn } from "./trace/recorder.ts";

const run = promisify(execFile);

describe("a call is put at the start of", () => {
  test.each([
    ["a function", "function f(a: string): void {\n  a;\n}", "function f(a: string): void {__entered();\n  a;\n}"],
    ["an arrow", "const f = async (a = 1) => a;", "const f = async (a = 1) => (__entered(), a);"],
    ["an arrow to an object", "const f = () => ({ a: 1 });", "const f = () => (__entered(), ({ a: 1 }));"],
    ["an arrow to an arrow", "const f = () => () => 1;", "const f = () => (__entered(), () => (__entered(), 1));"],
    ["an arrow with a block", "const f = () => {};", "const f = () => {__entered();};"],
    ["a generator", "async function* f() { yield 1; }", "async function* f() {__entered(); yield 1; }"],
    [
      "methods",
      "const o = { a() {}, get b() { return 1; } };",
      "const o = { a() {__entered();}, get b() {__entered(); return 1; } };",
    ],
    ["a constructor", "class A { constructor() {} }", "class A { constructor() {__entered();} }"],
    [
      "private methods and fields",
      "class A { #a() {} b = () => 1; }",
      "class A { #a() {__entered();} b = () => (__entered(), 1); }",
    ],
    [
      "what stands after letters of several bytes",
      "/* é…🙂 */ const f = () => 'é';",
      "/* é…🙂 */ const f = () => (__entered(), 'é');",
    ],
  ])("%s", (_, source, instrumented) => {
    expect(instrument(source)).toBe(instrumented);
  });

  test("nothing that is no function", () => {
    const source =
      "type F = () => void;\ndeclare function f(): void;\nfunction g(a: 1): void;\nclass A { static { 1; } b = 1; }";
    expect(instrument(source)).toBe(source);
  });
});

describe("how far an operation travels", () => {
  const entered = (files: string) => [...files].map((file) => ({ file, line: 1, name: "" }));

  test.each([
    ["", 0, 0, 0],
    ["a", 1, 0, 0],
    ["aaa", 1, 0, 0],
    ["aab", 2, 1, 0],
    ["abba", 2, 2, 1],
    ["abcbbac", 3, 5, 3],
  ])("%s", (files, count, hops, returns) => {
    const distance = distanceOf(entered(files));
    expect(distance).toMatchObject({ hops, returns });
    expect(distance.files).toHaveLength(count);
  });

  test("the hops of a path are its first function and each in another file", () => {
    expect(hopsIn(entered("aabca")).map(({ file }) => file)).toEqual(["a", "b", "c", "a"]);
  });

  test("functions of a real operation are recorded in order, those of the emulator that it asks are not", async () => {
    const { stdout } = await run(process.execPath, [join(import.meta.dirname, "trace/fixture/main.ts")]);
    expect(JSON.parse(stdout)).toEqual({
      shown: [
        "one.ts:4 operation",
        "two.ts:4 Two",
        "one.ts:13 double",
        "two.ts:12 later",
        "one.ts:8 ",
        "two.ts:18 ",
        "one.ts:8 ",
      ],
      entries: 14,
      files: 2,
      hops: 6,
      returns: 5,
    });
  }, 300_000);

  test("what nobody can trace is refused", async () => {
    const tracing = run(process.execPath, [join(import.meta.dirname, "trace.ts"), "aws", "makeCoffee"]);
    await expect(tracing).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('no "aws makeCoffee"') });
  }, 300_000);
});
