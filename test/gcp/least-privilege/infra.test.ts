import { describe, expect, test } from "vitest";
import { readerRole } from "../../../functions/gcp/policy/document.ts";
import { type GcpDoor, permissionsOf } from "../../../functions/gcp/policy/permissions.ts";
import { tokenCreatorRole } from "../../../functions/gcp/provisioning/wanted.ts";
import { doorRoles, grantable, rolePermissions } from "../../infra/support/gcp-roles.ts";

const doors = Object.keys(permissionsOf) as GcpDoor[];
const sorted = (values: Iterable<string>) => [...new Set(values)].sort();
const permissionsIn = (concerns: readonly string[] = []) =>
  concerns.flatMap((concern) => {
    const found = rolePermissions[concern];
    if (found === undefined) throw new Error(`There is no role for ${concern}.`);
    return found;
  });

describe("infra/gcp gives each door exactly what its code calls", () => {
  test("there is every door", () => {
    expect(sorted(Object.keys(doorRoles))).toEqual(sorted(doors));
  });

  test.each(doors.filter((door) => door !== "provision"))("%s, for registries that are bound and derived", (door) => {
    const { repositories, serviceAccounts, project } = permissionsOf[door];
    const { repository, derived, account, project: onProject } = doorRoles[door] ?? {};
    expect(sorted(permissionsIn(derived))).toEqual(sorted(repositories));
    expect(sorted(permissionsIn(account))).toEqual(sorted(serviceAccounts));
    expect(permissionsIn(onProject)).toEqual([...project]);
    // An event asks for the repository only to prove that a derived registry is ours.
    const proof = door === "events" ? ["artifactregistry.repositories.get"] : [];
    expect(sorted([...permissionsIn(repository), ...proof])).toEqual(sorted(repositories));
  });

  test("provision, on the project in which the registries are", () => {
    const { repositories, serviceAccounts, project } = permissionsOf.provision;
    const { repository, derived, account, project: onProject } = doorRoles.provision ?? {};
    expect(sorted(permissionsIn(onProject))).toEqual(sorted([...project, ...repositories, ...serviceAccounts]));
    expect([repository, derived, account].flatMap(permissionsIn)).toEqual([]);
  });

  test("no role is there that no door has, and none has a permission twice", () => {
    const used = Object.values(doorRoles).flatMap((roles) => Object.values(roles).flat());
    expect(sorted(Object.keys(rolePermissions))).toEqual(sorted(used));
    for (const permissions of Object.values(rolePermissions))
      expect(sorted(permissions)).toEqual([...permissions].sort());
  });
});

test("who writes policies under a condition may give what the code gives", () => {
  expect(grantable).toEqual({ grants: [readerRole], provisioning_grants: [tokenCreatorRole] });
});
