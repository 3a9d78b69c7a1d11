import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Access, compareAccess } from "../../../core/token-claims.ts";
import { readAcrClaims } from "../../../functions/azure/acr/credentials.ts";

const jwt = (claims: unknown) =>
  ["{}", typeof claims === "string" ? claims : JSON.stringify(claims), "signature"]
    .map((part) => Buffer.from(part).toString("base64url"))
    .join(".");

describe("claims", () => {
  const access = [{ type: "repository", name: "team/app", actions: ["pull"] }];

  test("are read from the token itself", () => {
    expect(readAcrClaims(jwt({ exp: 1_800_000_000, access, grant_type: "access_token" }))).toEqual({
      expiresAt: new Date(1_800_000_000_000),
      access,
    });
    expect(readAcrClaims(jwt({ exp: 1, permissions: { actions: ["*"] } }))).toEqual({ expiresAt: new Date(1_000) });
    expect(readAcrClaims(jwt({ exp: 1, access: [] }))?.access).toEqual([]);
  });

  test.each([
    ["", "nothing"],
    ["opaque", "no token"],
    ["a.b", "two parts"],
    [jwt("null"), "null"],
    [jwt("{"), "no JSON"],
    [jwt({ access }), "no end"],
    [jwt({ exp: "1800000000", access }), "an end that is a text"],
    [jwt({ exp: 1e300, access }), "an end that is no time"],
    [jwt({ exp: 1, access: "repository:team/app:pull" }), "an access that is a text"],
    [jwt({ exp: 1, access: [{ type: "repository", name: "x", actions: "pull" }] }), "actions that are a text"],
    [jwt({ exp: 1, access: [{ type: "repository", actions: ["pull"] }] }), "an access without a name"],
    [jwt({ exp: 1, access: [{ type: "repository", name: "x", actions: [1] }] }), "an action that is no text"],
    [jwt({ exp: 1, access: [null] }), "an access that is null"],
  ])("%s is none: %s", (token) => expect(readAcrClaims(token)).toBeUndefined());
});

describe("what was granted", () => {
  const asked: Access = { type: "repository", name: "team/app", actions: ["pull", "push"] };
  const of = (...actions: string[]) => ({ ...asked, actions });

  test.each([
    ["the same", [of("pull", "push")]],
    ["in another order", [of("push", "pull")]],
    ["twice", [of("pull", "pull", "push")]],
    ["in two entries", [of("pull"), of("push")]],
    ["with an entry that grants nothing", [of("pull", "push"), { type: "registry", name: "catalog", actions: [] }]],
  ])("%s is what was asked", (_, granted) =>
    expect(compareAccess(granted, [asked])).toEqual({ missing: [], more: false }),
  );

  test.each<[string, Access[], string[], boolean]>([
    ["nothing", [], ["pull", "push"], false],
    ["no actions", [of()], ["pull", "push"], false],
    ["less", [of("pull")], ["push"], false],
    ["more", [of("pull", "push", "delete")], [], true],
    ["less and more", [of("pull", "metadata_read")], ["push"], true],
    ["a wildcard", [of("*")], ["pull", "push"], true],
    ["a wildcard beside it", [of("pull", "push", "*")], [], true],
    ["another repository", [{ ...asked, name: "team/ap" }], ["pull", "push"], true],
    ["another repository beside it", [asked, { ...asked, name: "team" }], [], true],
    ["all repositories", [{ ...asked, name: "*" }], ["pull", "push"], true],
    ["another type", [{ ...asked, type: "artifact-repository" }], ["pull", "push"], true],
    ["the catalog beside it", [asked, { type: "registry", name: "catalog", actions: ["*"] }], [], true],
    ["an upper-case name", [{ ...asked, name: "Team/app" }], ["pull", "push"], true],
    ["actions in one text", [of("pull,push")], ["pull", "push"], true],
  ])("%s is not", (_, granted, actions, more) =>
    expect(compareAccess(granted, [asked])).toEqual({ missing: actions.length > 0 ? [of(...actions)] : [], more }),
  );

  test("of several repositories must be what was asked of each", () => {
    const base = { ...asked, name: "team/base", actions: ["pull"] };
    const both = [asked, base];
    expect(compareAccess([base, asked], both)).toEqual({ missing: [], more: false });
    expect(compareAccess([asked], both)).toEqual({ missing: [base], more: false });
    expect(compareAccess([of("pull"), base], both)).toEqual({ missing: [of("push")], more: false });
    expect(compareAccess([asked, { ...base, actions: ["pull", "push"] }], both)).toEqual({ missing: [], more: true });
    expect(compareAccess([asked, base, { ...base, name: "team/bas" }], both)).toEqual({ missing: [], more: true });
    expect(compareAccess([], both)).toEqual({ missing: both, more: false });
  });

  test("is judged by what it opens, however it is split up", () => {
    const action = fc.constantFrom("pull", "push", "delete", "metadata_read", "*");
    const entry = fc.record({
      type: fc.constantFrom("repository", "registry"),
      name: fc.constantFrom("team/app", "team", "catalog"),
      actions: fc.array(action, { maxLength: 3 }),
    });
    const opens = (entries: readonly Access[]) =>
      [
        ...new Set(entries.flatMap(({ type, name, actions }) => actions.map((each) => `${type} ${name} ${each}`))),
      ].sort();
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 4 }), fc.array(entry, { maxLength: 3 }), (granted, wanted) => {
        const { missing, more } = compareAccess(granted, wanted);
        const isSame = opens(granted).join() === opens(wanted).join();
        expect(missing.length === 0 && !more).toBe(isSame);
      }),
      { numRuns: 300 },
    );
  });
});
