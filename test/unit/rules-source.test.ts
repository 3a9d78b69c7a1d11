import { renameSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Rule } from "../../core/rules.ts";
import { readRules } from "../../core/rules-source.ts";
import { allowAll, errorOf } from "../support/inputs.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rules-"));
});
afterAll(() => rm(folder, { recursive: true }));

const rules: Rule[] = [allowAll("aws")];
const others: Rule[] = [allowAll("gcp"), allowAll("azure")];
const quiet = () => {};
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const read = (env: Record<string, string>, warn: (message: string) => void = quiet) => readRules(env, { warn });

describe("the access rules", () => {
  test("come from the variable", async () => {
    expect(await read({ ALIEN_ACCESS_RULES: JSON.stringify(rules) })?.current()).toEqual({ rules });
  });

  test("come from the file", async () => {
    const env = { ALIEN_ACCESS_RULES_FILE: file("rules.json", JSON.stringify(rules)) };
    expect(await read(env)?.current()).toEqual({ rules });
  });

  test.each<[string, (text: string) => Record<string, string>]>([
    ["the variable", (text) => ({ ALIEN_ACCESS_RULES: text })],
    ["the file", (text) => ({ ALIEN_ACCESS_RULES_FILE: file("minting.json", text) })],
  ])("of %s are named once where they mint and have no permissions", (_title, env) => {
    const { permissions: _, ...unsaid } = allowAll("aws");
    const warnings: string[] = [];
    read(env(JSON.stringify([unsaid, ...rules])), (message) => warnings.push(message));
    expect(warnings).toEqual([expect.stringMatching(/^Access rule 0 \(callers: aws \*\) allows generateCredentials/)]);
    warnings.length = 0;
    read(env(JSON.stringify(rules)), (message) => warnings.push(message));
    expect(warnings).toEqual([]);
  });

  test("are absent where neither is set", () => {
    expect(read({})).toBeUndefined();
  });

  test.each<[string, () => Record<string, string>, RegExp]>([
    [
      "both are set",
      () => ({ ALIEN_ACCESS_RULES: "[]", ALIEN_ACCESS_RULES_FILE: "x" }),
      /ALIEN_ACCESS_RULES and ALIEN_ACCESS_RULES_FILE are set/,
    ],
    [
      "the file is not there",
      () => ({ ALIEN_ACCESS_RULES_FILE: join(folder, "nothing.json") }),
      /cannot be read: .*nothing\.json/,
    ],
    ["the file is a folder", () => ({ ALIEN_ACCESS_RULES_FILE: folder }), /cannot be read/],
    ["the file's name is empty", () => ({ ALIEN_ACCESS_RULES_FILE: "" }), /cannot be read/],
    ["the file is empty", () => ({ ALIEN_ACCESS_RULES_FILE: file("empty.json", "") }), /not JSON/],
    [
      "the file is not valid",
      () => ({ ALIEN_ACCESS_RULES_FILE: file("bad.json", '[{"callers":[]}]') }),
      /"0\.operations" is missing/,
    ],
    ["the variable is empty", () => ({ ALIEN_ACCESS_RULES: "" }), /not JSON/],
  ])("are refused where %s", async (_title, env, message) => {
    const error = await errorOf(() => read(env()));
    expect(error.code).toBe("BINDING_CONFIG_INVALID");
    expect(error.message).toMatch(message);
  });

  test.each<[string, () => Record<string, string>, RegExp, object | undefined]>([
    ["both are set", () => ({ ALIEN_ACCESS_RULES: "[]", ALIEN_ACCESS_RULES_FILE: "x" }), /one of them/, undefined],
    [
      "the text is not JSON",
      () => ({ ALIEN_ACCESS_RULES: "[" }),
      /callers as \{issuer, subject, claims\?\}/,
      SyntaxError,
    ],
    ["the file is not there", () => ({ ALIEN_ACCESS_RULES_FILE: join(folder, "nothing.json") }), /^undefined$/, Error],
  ])("are refused where %s, with the cause and what to do", async (_title, env, hint, cause) => {
    const error = await errorOf(() => read(env()));
    expect(String(error.hint)).toMatch(hint);
    if (cause) expect(error.cause).toBeInstanceOf(cause);
    else expect(error.cause).toBeUndefined();
  });

  test.each<[string, (text: string) => Record<string, string>]>([
    ["the variable", (text) => ({ ALIEN_ACCESS_RULES: text })],
    ["the file", (text) => ({ ALIEN_ACCESS_RULES_FILE: file("issuers.json", text) })],
  ])("of %s are held against the issuers that this function takes", (_title, env) => {
    const warnings: string[] = [];
    const open = (issuer: string) =>
      readRules(env(JSON.stringify([allowAll(issuer)])), {
        warn: (text) => warnings.push(text),
        issuers: ["https://known.example/"],
      });
    open("https://known.example/");
    expect(warnings).toEqual([]);
    open("https://unknown.example");
    expect(warnings).toEqual([expect.stringMatching(/https:\/\/unknown\.example, which is not in/)]);
    expect(() => open("https://unknown.example/")).toThrow(/ends with a slash/);
  });
});

describe("a rules file that changes", () => {
  const open = (name: string, lookEveryMs = 0, content = rules) => {
    const path = file(name, JSON.stringify(content));
    const warnings: string[] = [];
    const source = readRules({ ALIEN_ACCESS_RULES_FILE: path }, { warn: (text) => warnings.push(text), lookEveryMs });
    if (!source) throw new Error("There are no rules.");
    return { path, warnings, source };
  };

  test("is read again, written over or replaced", async () => {
    const { path, source, warnings } = open("changing.json");
    expect(await source.current()).toEqual({ rules });
    writeFileSync(path, JSON.stringify(others));
    expect(await source.current()).toEqual({ rules: others });
    renameSync(file("new.json", JSON.stringify(rules)), path);
    expect(await source.current()).toEqual({ rules });
    expect(warnings).toEqual([]);
  });

  test("is read again where Kubernetes swaps the link that leads to it", async () => {
    const link = join(folder, "linked.json");
    await symlink(file("one.json", JSON.stringify(rules)), link);
    const source = readRules({ ALIEN_ACCESS_RULES_FILE: link }, { warn: quiet, lookEveryMs: 0 });
    expect(await source?.current()).toEqual({ rules });
    await symlink(file("two.json", JSON.stringify(others)), `${link}.next`);
    renameSync(`${link}.next`, link);
    expect(await source?.current()).toEqual({ rules: others });
  });

  test.each<[string, (path: string) => void, RegExp]>([
    ["is no JSON any more", (path) => writeFileSync(path, "["), /are not valid\. It is not JSON\./],
    [
      "holds a rule that means nothing",
      (path) => writeFileSync(path, '[{"callers":[]}]'),
      /"0\.operations" is missing/,
    ],
    ["is gone", (path) => rmSync(path), /cannot be read/],
  ])("keeps the last good rules where it %s, and says so once", async (_title, spoil, message) => {
    const { path, source, warnings } = open("spoilt.json");
    spoil(path);
    for (const _ of [1, 2, 3]) {
      const { rules: now, problem } = await source.current();
      expect(warnings).toEqual([expect.stringMatching(message)]);
      expect(now).toEqual(rules);
      expect(problem?.message).toMatch(message);
      expect(problem?.message).toMatch(/The rules that were read last stay in force\.$/);
    }
    writeFileSync(path, JSON.stringify(others));
    expect(await source.current()).toEqual({ rules: others });
  });

  test("is well again when the very same content comes back", async () => {
    const { path, source } = open("same.json");
    rmSync(path);
    expect((await source.current()).problem).toBeDefined();
    writeFileSync(path, JSON.stringify(rules));
    expect(await source.current()).toEqual({ rules });
  });

  test("is well again when its folder is back, with the very same file", async () => {
    const parent = join(folder, "parent");
    await mkdir(parent);
    const { source } = open("parent/kept.json");
    expect((await source.current()).problem).toBeUndefined();
    renameSync(parent, `${parent}.away`);
    expect((await source.current()).problem).toEqual({ message: expect.stringMatching(/cannot be read/) });
    renameSync(`${parent}.away`, parent);
    expect(await source.current()).toEqual({ rules });
  });

  test("tells what to do where it cannot be used", async () => {
    const { path, source } = open("hint.json");
    writeFileSync(path, "[{}]");
    expect((await source.current()).problem?.hint).toMatch(/^Expected a JSON list/);
  });

  test("does not warn again where only its time has changed", async () => {
    const { permissions: _, ...unsaid } = allowAll("aws");
    const text = JSON.stringify([unsaid]);
    const { path, source, warnings } = open("touched.json", 0, [unsaid]);
    for (const touch of [
      () => {},
      () => writeFileSync(path, text),
      () => renameSync(file("touched.next", text), path),
    ]) {
      touch();
      await source.current();
      expect(warnings).toHaveLength(1);
    }
  });

  test("is waited for by all who ask while it is read", async () => {
    const { path, source } = open("waited.json");
    writeFileSync(path, JSON.stringify(others));
    expect(await Promise.all([source.current(), source.current()])).toEqual([{ rules: others }, { rules: others }]);
  });

  test("is not looked at more often than it should be", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    onTestFinished(() => void vi.useRealTimers());
    const { path, source } = open("seldom.json", 1_000);
    const now = async (text: Rule[], milliseconds: number) => {
      writeFileSync(path, JSON.stringify(text));
      vi.advanceTimersByTime(milliseconds);
      return source.current();
    };
    expect(await now(others, 999)).toEqual({ rules });
    expect(await now(others, 1)).toEqual({ rules: others });
    expect(await now(rules, 999)).toEqual({ rules: others });
    expect(await now(rules, 1)).toEqual({ rules });
  });

  test("names new rules that may not say what was meant", async () => {
    const { path, source, warnings } = open("warned.json");
    const { permissions: _, ...unsaid } = allowAll("aws");
    writeFileSync(path, JSON.stringify([unsaid]));
    await source.current();
    expect(warnings).toEqual([expect.stringMatching(/has no "permissions"/)]);
  });
});
