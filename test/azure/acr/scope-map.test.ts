import { describe, expect, test } from "vitest";
import type { RoutableName } from "../../../core/names.ts";
import { ownershipOf, scopeMapFor } from "../../../functions/azure/acr/scope-maps.ts";

const team = "team" as RoutableName;
const ours = scopeMapFor(team);
const action = (repository: string, permission: string) => `repositories/${repository}/${permission}`;

test("a scope map allows reading and writing content and metadata of one repository, and nothing else", () => {
  expect(ours.actions).toEqual([
    "repositories/team/content/read",
    "repositories/team/content/write",
    "repositories/team/metadata/read",
    "repositories/team/metadata/write",
  ]);
});

describe("a scope map that is there already", () => {
  test.each([
    ["as it was written", ours],
    ["in another order", { ...ours, actions: ours.actions.toReversed() }],
    ["with an action twice", { ...ours, actions: [...ours.actions, ours.actions[0] ?? ""] }],
  ])("%s is exactly ours", (_, found) => expect(ownershipOf(found, team)).toBe("exact"));

  test.each([
    ["lacks an action", ours.actions.slice(1)],
    ["has no actions", []],
    ["has an action more", [...ours.actions, action("team", "content/delete")]],
    ["has others", [action("team", "content/read")]],
  ])("ours, but it %s: it may be put right", (_, actions) =>
    expect(ownershipOf({ ...ours, actions }, team)).toBe("drifted"),
  );

  test.each([
    ["without a description", { actions: ours.actions }],
    ["with another's description", { ...ours, description: "for the build agents" }],
    ["of another repository", { ...ours, actions: scopeMapFor("other" as RoutableName).actions }],
    ["of a repository below it", { ...ours, actions: scopeMapFor("team/app" as RoutableName).actions }],
    ["of another repository too", { ...ours, actions: [...ours.actions, action("other", "content/read")] }],
    ["of a repository below it too", { ...ours, actions: [...ours.actions, action("team/app", "content/read")] }],
    ["of all repositories", { ...ours, actions: [action("*", "content/read")] }],
    ["of all below it", { ...ours, actions: [action("team/*", "content/read")] }],
    ["of a gateway", { ...ours, actions: [...ours.actions, "gateway/x/config/read"] }],
    ["with nothing at all", {}],
  ])("%s is not ours", (_, found) => expect(ownershipOf(found, team)).toBe("foreign"));
});
