import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Access, allows, formatScope, narrow, parseScope } from "../../oci/token/index.ts";

const listOf = (...names: string[]) =>
  fc.array(
    fc.record({
      type: fc.constant("repository" as const),
      name: fc.constantFrom(...names),
      actions: fc.uniqueArray(fc.constantFrom("pull", "push", "delete", "*"), { minLength: 1 }),
    }),
    { maxLength: 4 },
  );
const accessList = listOf("a", "b", "team/app");
/** What is held may be a whole folder; what is asked for is one repository. */
const heldList = listOf("a", "b", "team/app", "team/*");

describe("scopes", () => {
  it.each<[string, Access[]]>([
    ["repository:team/app:pull,push", [{ type: "repository", name: "team/app", actions: ["pull", "push"] }]],
    ["repository:host:5000/app:pull", [{ type: "repository", name: "host:5000/app", actions: ["pull"] }]],
    ["registry:catalog:*", [{ type: "registry", name: "catalog", actions: ["*"] }]],
    [
      " repository:a:pull  repository:b:push ",
      [
        { type: "repository", name: "a", actions: ["pull"] },
        { type: "repository", name: "b", actions: ["push"] },
      ],
    ],
    ["", []],
    ["repository:a", []],
    ["repository:a:", []],
    ["repository::pull", []],
    ["repository:a:,", []],
    ["repository", []],
    ["repositoryx", []],
    ["plugin:a:pull", []],
    [":::", []],
  ])("%j is read", (text, access) => {
    expect(parseScope(text)).toEqual(access);
  });

  it("are written as they are read", () => {
    fc.assert(
      fc.property(accessList, (access) => {
        expect(parseScope(formatScope(access))).toEqual(access);
      }),
    );
  });

  it("narrow to what is both asked for and held, never more than either", () => {
    fc.assert(
      fc.property(accessList, heldList, (requested, held) => {
        const granted = narrow(requested, held);
        for (const { type, name, actions } of granted) {
          for (const action of actions) {
            expect(allows(held, type, name, action)).toBe(true);
            expect(allows(requested, type, name, action)).toBe(true);
          }
        }
        for (const name of ["a", "b", "team/app", "team/other"]) {
          for (const action of ["pull", "push", "delete"]) {
            const both = allows(held, "repository", name, action) && allows(requested, "repository", name, action);
            // A wildcard on both sides is granted as the wildcard.
            expect(allows(granted, "repository", name, action)).toBe(both);
          }
        }
      }),
    );
  });

  it.each([
    ["repository:a:*", "repository:a:pull,push", "repository:a:pull,push"],
    ["repository:a:*", "repository:a:pull repository:b:push", "repository:a:pull"],
    ["repository:a:*", "repository:a:pull repository:a:push", "repository:a:pull,push"],
    ["repository:a:*", "repository:a:*", "repository:a:*"],
    ["repository:a:pull,push", "repository:a:*", "repository:a:pull,push"],
    ["registry:catalog:*", "registry:catalog:*", "registry:catalog:*"],
    ["registry:catalog:*", "repository:catalog:*", ""],
    ["repository:a:pull", "repository:a:push", ""],
    ["repository:a:pull repository:a:push", "repository:a:pull,push", "repository:a:pull,push"],
  ])("%s of %s is %j", (asked, held, granted) => {
    expect(formatScope(narrow(parseScope(asked), parseScope(held)))).toBe(granted);
  });

  it("of everything below a folder open what is below it, and nothing beside it", () => {
    const held = parseScope("repository:team/*:pull");
    const asked = parseScope(
      "repository:team/a:pull,push repository:team/a/b:pull repository:team:pull repository:teams/a:pull",
    );
    expect(formatScope(narrow(asked, held))).toBe("repository:team/a:pull repository:team/a/b:pull");
    expect(narrow(parseScope("registry:team/a:pull"), held)).toEqual([]);
  });

  it("of one repository say nothing of one below or beside it", () => {
    const held = parseScope("repository:team:pull,push");
    expect(narrow(parseScope("repository:team/app:pull repository:tea:pull registry:team:pull"), held)).toEqual([]);
  });
});
