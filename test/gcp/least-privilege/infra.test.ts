import { describe, expect, test } from "vitest";
import { doorNames } from "../../../core/doors.ts";
import { tokenCreatorRole } from "../../../functions/gcp/provisioning/minting.ts";
import { doorRoles, grantable, permissionsOn, rolePermissions } from "../../infra/support/gcp-roles.ts";

const sorted = (values: Iterable<string>) => [...new Set(values)].sort();

// That each door's code needs exactly these rights is what permissions.test.ts runs.
describe("infra/gcp gives rights by door", () => {
  test("there is every door", () => {
    expect(sorted(Object.keys(doorRoles))).toEqual(sorted(doorNames.filter((name) => name !== "local")));
  });

  test.each(["oidc", "invoke"] as const)("%s has those of the platform door, whose code it runs", (door) => {
    expect(doorRoles[door]).toEqual(doorRoles.platform);
  });

  test.each(["platform", "oidc", "invoke", "events"] as const)(
    "%s has the same for registries that are bound and derived",
    (door) => {
      // An event asks for the repository only to prove that a derived registry is ours.
      const proof = ["artifactregistry.repositories.get"];
      expect(permissionsOn(door, "derived")).toEqual(proof);
      expect(sorted([...permissionsOn(door, "repository"), ...proof])).toEqual(
        permissionsOn(door, "derived", "tagged"),
      );
      expect(permissionsOn(door, "project", "tag")).toEqual([]);
    },
  );

  test("events neither delete nor mint", () => {
    const all = permissionsOn("events", "repository", "derived", "tagged", "account", "project", "tag");
    expect(all.filter((permission) => /delete|getAccessToken/.test(permission))).toEqual([]);
  });

  test("provision, on the project in which the registries are, and never to mint", () => {
    expect(permissionsOn("provision", "project").length).toBeGreaterThan(0);
    expect(permissionsOn("provision", "repository", "tagged", "account")).toEqual([]);
    expect(permissionsOn("provision", "project")).not.toContain("iam.serviceAccounts.getAccessToken");
  });

  test("only a role of its own writes the policies of repositories, so that a door may lack it", () => {
    const writing = Object.entries(rolePermissions).filter(([, permissions]) =>
      permissions.includes("artifactregistry.repositories.setIamPolicy"),
    );
    expect(Object.fromEntries(writing)).toEqual({
      grants: ["artifactregistry.repositories.setIamPolicy"],
      provisioning: rolePermissions.provisioning,
    });
  });

  test("only provision attaches the tag that opens a derived registry to the other doors", () => {
    const attaching = Object.entries(doorRoles).filter(
      ([, { tag, derived }]) => tag.length > 0 || derived.includes("tagging"),
    );
    expect(attaching.map(([door]) => door)).toEqual(["provision"]);
  });

  test("no role is there that no door has, and none has a permission twice", () => {
    const used = Object.values(doorRoles).flatMap((roles) => Object.values(roles).flat());
    expect(sorted(Object.keys(rolePermissions))).toEqual(sorted(used));
    for (const permissions of Object.values(rolePermissions))
      expect(sorted(permissions)).toEqual([...permissions].sort());
  });
});

// Artifact Registry does not recognise such a condition.
test("who writes the policies of accounts may give what the code gives", () => {
  expect(grantable).toEqual({ provisioning_grants: [tokenCreatorRole] });
});
