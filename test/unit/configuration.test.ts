import * as v from "valibot";
import { describe, expect, test, vi } from "vitest";
import { startCall } from "../../core/call.ts";
import { defineService, type Platform } from "../../core/platform.ts";
import type { Rule } from "../../core/rules.ts";
import { openDoor, readDirectory, readSuite } from "../../core/suite.ts";
import { createFakeRegistry } from "../support/fake-registry.ts";
import { allowAll, errorOf } from "../support/inputs.ts";

const rules: Rule[] = [allowAll("aws")];
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
