import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkClaims } from "../../../functions/kubernetes/external/credentials.ts";

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const jwt = (claims: object) => `${encode({ alg: "RS256" })}.${encode(claims)}.c2lnbmF0dXJl`;
const entry = (name: string, ...actions: string[]) => ({ type: "repository", name, actions });
const pull = { name: "images/app", actions: ["pull"] };
const push = { name: "images/app", actions: ["pull", "push"] };
const codeOf = (run: () => unknown) => {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

describe("the claims of a token", () => {
  test("are good when they are exactly what was asked for, in any order", () => {
    expect(checkClaims(jwt({ exp: 5, access: [entry("images/app", "pull")] }), [pull])).toEqual({
      expiresAt: 5_000,
      tellAccess: true,
    });
    const twice = [entry("images/app", "push"), entry("images/app", "pull", "push")];
    expect(checkClaims(jwt({ access: twice }), [push])).toEqual({ tellAccess: true });
  });

  test("of several repositories must be what was asked of each", () => {
    const both = [push, { name: "images/base", actions: ["pull"] }];
    const ours = entry("images/app", "pull", "push");
    expect(checkClaims(jwt({ access: [entry("images/base", "pull"), ours] }), both)).toEqual({ tellAccess: true });
    expect(codeOf(() => checkClaims(jwt({ access: [ours] }), both))).toBe("ACCESS_DENIED");
    const pushed = entry("images/base", "pull", "push");
    expect(codeOf(() => checkClaims(jwt({ access: [ours, pushed] }), both))).toBe("CLOUD_PLATFORM_ERROR");
  });

  const less: [what: string, access: unknown][] = [
    ["nothing", []],
    ["null", null],
    ["no action", [entry("images/app")]],
    ["null for actions", [{ type: "repository", name: "images/app", actions: null }]],
    ["pull alone", [entry("images/app", "pull")]],
  ];
  test.each(less)("%s is less than was asked for", (_, access) => {
    expect(codeOf(() => checkClaims(jwt({ access }), [push]))).toBe("ACCESS_DENIED");
  });

  const more: [what: string, access: unknown][] = [
    ["push as well", [entry("images/app", "pull", "push")]],
    ["everything", [entry("images/app", "*")]],
    ["another repository", [entry("images/app", "pull"), entry("images/other", "pull")]],
    ["a repository above", [entry("images", "pull")]],
    ["a wildcard", [entry("images/*", "pull")]],
    ["the same name in other letters", [entry("Images/app", "pull")]],
    ["the catalog", [entry("images/app", "pull"), { type: "registry", name: "catalog", actions: ["*"] }]],
    ["another type", [{ type: "repository(plugin)", name: "images/app", actions: ["pull"] }]],
    ["what is no list", { type: "repository" }],
    ["actions that are no list", [{ type: "repository", name: "images/app", actions: "pull" }]],
    ["what is no entry", ["repository:images/app:pull"].map((text) => ({ text, actions: [1] }))],
  ];
  test.each(more)("%s is more than was asked for", (_, access) => {
    expect(codeOf(() => checkClaims(jwt({ access }), [pull]))).toBe("CLOUD_PLATFORM_ERROR");
  });

  test("that say nothing of access are said to tell nothing", () => {
    for (const token of ["opaque", "a.b.c", "", jwt({ sub: "x" }), `${jwt({ access: [] })}.more`]) {
      expect(checkClaims(token, [pull]).tellAccess).toBe(false);
    }
  });

  test("never pass for a token that opens anything else, whatever it holds", () => {
    const names = fc.constantFrom("images/app", "images", "images/app/x", "other", "*");
    const actions = fc.subarray(["pull", "push", "delete", "*"]);
    const types = fc.constantFrom("repository", "registry");
    const access = fc.array(fc.record({ type: types, name: names, actions }), { maxLength: 4 });
    fc.assert(
      fc.property(access, fc.constantFrom(pull, push), (granted, wanted) => {
        const opens = granted.flatMap((each) => each.actions.map((action) => `${each.type}:${each.name}:${action}`));
        const asked = wanted.actions.map((action) => `repository:${wanted.name}:${action}`);
        const exact = new Set(opens).size === asked.length && asked.every((each) => opens.includes(each));
        expect(codeOf(() => checkClaims(jwt({ access: granted }), [wanted])) === undefined).toBe(exact);
      }),
    );
  });
});
