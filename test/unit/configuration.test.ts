import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { startCall } from "../../core/call.ts";
import { defineService, type Platform } from "../../core/platform.ts";
import type { Rule } from "../../core/rules.ts";
import { openDoor, readDirectory, readRules, readSuite } from "../../core/suite.ts";
import { createFakeRegistry } from "../support/fake-registry.ts";
import { allowAll, errorOf } from "../support/inputs.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "configuration-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const rules: Rule[] = [allowAll("aws")];
const quiet = () => {};
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

describe("the access rules", () => {
  test("come from the variable", () => {
    expect(readRules({ ALIEN_ACCESS_RULES: JSON.stringify(rules) }, quiet)).toEqual(rules);
  });

  test("come from the file", () => {
    expect(readRules({ ALIEN_ACCESS_RULES_FILE: file("rules.json", JSON.stringify(rules)) }, quiet)).toEqual(rules);
  });

  test.each<[string, (text: string) => Record<string, string>]>([
    ["the variable", (text) => ({ ALIEN_ACCESS_RULES: text })],
    ["the file", (text) => ({ ALIEN_ACCESS_RULES_FILE: file("minting.json", text) })],
  ])("of %s are named once where they mint and have no permissions", (_title, env) => {
    const { permissions: _, ...unsaid } = allowAll("aws");
    const warnings: string[] = [];
    readRules(env(JSON.stringify([unsaid, ...rules])), (message) => warnings.push(message));
    expect(warnings).toEqual([expect.stringMatching(/^Access rule 0 \(callers: aws \*\) allows generateCredentials/)]);
    warnings.length = 0;
    readRules(env(JSON.stringify(rules)), (message) => warnings.push(message));
    expect(warnings).toEqual([]);
  });

  test("are absent where neither is set", () => {
    expect(readRules({}, quiet)).toBeUndefined();
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
    const error = await errorOf(() => readRules(env(), quiet));
    expect(error.code).toBe("BINDING_CONFIG_INVALID");
    expect(error.message).toMatch(message);
  });
});

describe("the door", () => {
  const issuers = JSON.stringify([{ issuer: "https://issuer.example", audience: "suite" }]);

  test.each(["platform", "invoke", "events", "provision"])("is %s", async (name) => {
    expect((await openDoor({ ALIEN_DOOR: name })).name).toBe(name);
  });

  test("is oidc, with its issuers, without asking them anything yet", async () => {
    const door = await openDoor({ ALIEN_DOOR: "oidc", ALIEN_OIDC_ISSUERS: issuers });
    expect(door.name).toBe("oidc");
    expect((await errorOf(() => door.authenticate({ authorization: "Bearer x" }))).code).toBe("AUTHENTICATION_ERROR");
  });

  test.each([
    {},
    { ALIEN_DOOR: "" },
    { ALIEN_DOOR: "open" },
    { ALIEN_DOOR: "local" },
    { ALIEN_DOOR: "oidc" },
    { ALIEN_DOOR: "oidc", ALIEN_OIDC_ISSUERS: "[]" },
    { ALIEN_DOOR: "oidc", ALIEN_OIDC_ISSUERS: '[{"issuer":"https://issuer.example"}]' },
  ])("is refused: %j", async (env) => {
    expect((await errorOf(() => openDoor(env))).code).toBe("BINDING_CONFIG_INVALID");
  });
});

describe("the directory", () => {
  const names: string[] = [];
  const platform: Platform = {
    name: "test",
    services: {
      fake: defineService({
        binding: v.strictObject({ service: v.literal("fake") }),
        prefix: (name) => ({ prefix: name, separator: "/" }),
        open({ name }) {
          names.push(name);
          return createFakeRegistry();
        },
      }),
    },
  };
  const binding = '{"service":"fake"}';

  test.each<[string, Record<string, string>, readonly Rule[], readonly string[]]>([
    ["from ALIEN_REGISTRIES", { ALIEN_REGISTRIES: "images, my_builds ,," }, [], []],
    ["from the rules", {}, [{ ...allowAll("aws"), registries: ["my_builds"] }], []],
    ["from a default", {}, [], ["my_builds"]],
    [
      "from all of them",
      { ALIEN_REGISTRIES: "my_builds" },
      [{ ...allowAll("aws"), registries: ["my_builds"] }],
      ["my_builds"],
    ],
  ])("knows names %s", async (_title, env, list, defaults) => {
    const directory = readDirectory(platform, { ...env, ALIEN_MY_BUILDS_BINDING: binding }, list, defaults);
    names.length = 0;
    await directory.open("my_builds");
    expect(names).toEqual(["my_builds"]);
    expect((await errorOf(() => directory.open("my-builds"))).code).toBe("BINDING_CONFIG_INVALID");
  });

  test.each<[string, Record<string, string>, readonly Rule[]]>([
    ["two listed", { ALIEN_REGISTRIES: "my-builds,my_builds" }, []],
    [
      "one listed, one in a rule",
      { ALIEN_REGISTRIES: "my-builds" },
      [{ ...allowAll("aws"), registries: ["my_builds"] }],
    ],
  ])("refuses names that share a variable: %s", async (_title, env, list) => {
    expect((await errorOf(() => readDirectory(platform, env, list))).code).toBe("BINDING_CONFIG_INVALID");
  });

  test("is a suite's, which says on the standard output what an operator should know of its rules", async () => {
    const written: unknown[] = [];
    vi.spyOn(process.stdout, "write").mockImplementation((text) => written.push(text) > 0);
    const { permissions: _, ...unsaid } = allowAll("aws");
    const env = { ALIEN_DOOR: "invoke", ALIEN_IMAGES_BINDING: binding };
    await readSuite(platform, { ...env, ALIEN_ACCESS_RULES: JSON.stringify([unsaid]) });
    await readSuite(platform, { ...env, ALIEN_ACCESS_RULES: JSON.stringify(rules) });
    vi.restoreAllMocks();
    expect(written).toEqual([expect.stringMatching(/^\{.*\}\n$/)]);
    expect(JSON.parse(String(written[0]))).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      level: "warning",
      message: expect.stringMatching(/^Access rule 0 .* no "permissions"/),
    });
  });

  test("takes no wildcard for a name", () => {
    expect(() => readDirectory(platform, {}, [{ ...allowAll("aws"), registries: ["*", "my*"] }])).not.toThrow();
  });

  test("gives every registry its credential cache", async () => {
    const directory = readDirectory(platform, { ALIEN_IMAGES_BINDING: binding }, []);
    const registry = await directory.open("images");
    const call = startCall({
      requestId: "r",
      caller: { issuer: "aws", subject: "x" },
      signal: new AbortController().signal,
      now: () => new Date(),
    });
    const name = registry.routeName("app");
    await registry.generateCredentials({ name, permissions: "pull" }, call);
    await registry.generateCredentials({ name, permissions: "pull" }, call);
    expect(call.upstreamCalls).toBe(1);
  });
});
