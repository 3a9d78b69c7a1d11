import type { RoleAssignment } from "@azure/arm-authorization";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Functions } from "./principals.ts";
import type { WantedRole } from "./wanted.ts";

/** By this description an assignment is known as ours. */
export const marker = "Made by artifact-registry functions.";

/** How the assignments differ from what they must be. */
export interface RoleDrift {
  readonly missing: readonly WantedRole[];
  /** Assigned, but bounded by a condition that somebody put there. */
  readonly narrowed: readonly WantedRole[];
  /** Ours, and not wanted any more: an identity that serves no longer, a role of the registry's other mode. */
  readonly stale: readonly RoleAssignment[];
}

export function compareAssignments(
  scope: string,
  found: readonly RoleAssignment[],
  wanted: readonly WantedRole[],
  { principals, listed }: Functions,
): RoleDrift {
  const isFor = (each: RoleAssignment) => (role: WantedRole) =>
    each.principalId?.toLowerCase() === role.principalId && lastPart(each.roleDefinitionId) === role.roleId;
  const here = found.filter((each) => isOn(each, scope));
  const lacking = wanted.filter((role) => !found.some((each) => !each.condition && isFor(each)(role)));
  // Azure has one assignment of a role for an identity on a scope, with its condition or without one.
  const narrowed = lacking.filter((role) => here.some((each) => isFor(each)(role)));
  return {
    narrowed,
    missing: lacking.filter((role) => !narrowed.includes(role)),
    // Where nobody said who serves, it is not known who does not.
    stale: ownAssignments(scope, found).filter(
      (each) => !wanted.some(isFor(each)) && (listed || principals.includes(each.principalId?.toLowerCase() ?? "")),
    ),
  };
}

function isOn(each: RoleAssignment, scope: string): boolean {
  return each.scope?.toLowerCase() === scope.toLowerCase();
}

function isOurs({ description }: RoleAssignment): boolean {
  return description === marker;
}

/** Those on the registry itself that are ours. */
export function ownAssignments(scope: string, found: readonly RoleAssignment[]): readonly RoleAssignment[] {
  return found.filter((each) => isOurs(each) && isOn(each, scope));
}

/** @throws RESOURCE_CONFLICT where a condition bounds what a function must be able to do: whoever put it there had a reason */
export function refuseNarrowed([first]: readonly WantedRole[], more = ""): void {
  if (first === undefined) return;
  throw new ArtifactRegistryError("RESOURCE_CONFLICT", `${describe(first)} on the registry under a condition.`, {
    hint: `Remove that role assignment, or its condition.${more}`,
    context: { principalId: first.principalId, role: first.role },
  });
}

/** As `The identity {id} has the role AcrPush`, to be gone on with. */
export function describe({ principalId, role }: WantedRole, has = "has"): string {
  return `The identity ${principalId} ${has} the role ${role}`;
}

function lastPart(id: string | undefined): string | undefined {
  return id?.split("/").at(-1)?.toLowerCase();
}
