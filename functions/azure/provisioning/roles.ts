/** Which roles the functions must have on the container registry, and how the assignments differ from that. */
import { createHash } from "node:crypto";
import type { RoleAssignment } from "@azure/arm-authorization";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { FunctionPrincipals, RegistrySettings, RoleAssignmentMode } from "./settings.ts";

/** A role that an identity must have on the container registry. */
export interface RequiredRole {
  readonly principalId: string;
  /** The id of the role's definition. */
  readonly roleId: string;
  /** The name by which people know the role. */
  readonly role: string;
}

interface Role {
  readonly id: string;
  readonly name: string;
}

/** Azure's built-in roles have the same ids everywhere (Azure built-in roles, "Containers"). */
const builtIn = {
  push: { id: "8311e382-0749-4cb8-b61a-304f252e45ec", name: "AcrPush" },
  delete: { id: "c2f4ef07-c644-48eb-af81-4b1b4947fb11", name: "AcrDelete" },
  contributor: { id: "2efddaa5-3f1f-4df3-97df-af3f13818f4c", name: "Container Registry Repository Contributor" },
  catalog: { id: "bfdb9389-c9a5-478a-bb2f-ba9ca092c3c7", name: "Container Registry Repository Catalog Lister" },
  scopeMaps: {
    id: "3bc748fc-213d-45c1-8d91-9da5725539b9",
    name: "Container Registry Contributor and Data Access Configuration Administrator",
  },
} as const satisfies Record<string, Role>;

/** The roles for images. Each mode of a registry has roles of its own, and ignores those of the other mode. */
const imageRoles: Readonly<Record<RoleAssignmentMode, readonly Role[]>> = {
  LegacyRegistryPermissions: [builtIn.push, builtIn.delete],
  AbacRepositoryPermissions: [builtIn.contributor, builtIn.catalog],
};

/** The roles that the identities of the functions must have. */
export function requiredRoles(
  principals: readonly string[],
  mode: RoleAssignmentMode,
  { scopeMapRole }: Pick<RegistrySettings, "scopeMapRole">,
): readonly RequiredRole[] {
  const forScopeMaps = scopeMapRole === undefined ? builtIn.scopeMaps : { id: scopeMapRole, name: scopeMapRole };
  const roles = [...imageRoles[mode], forScopeMaps];
  return principals.flatMap((principalId) => roles.map(({ id, name }) => ({ principalId, roleId: id, role: name })));
}

/** The name of an assignment, which must be a GUID. It is always the same, so that none is made twice (RFC 9562, 5.8). */
export function assignmentName(scope: string, { principalId, roleId }: RequiredRole): string {
  const parts = JSON.stringify([scope.toLowerCase(), principalId, roleId]);
  const bytes = createHash("sha256").update(parts).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The description of our assignments. We know them by it. */
export const marker = "Made by artifact-registry functions.";

/** How the assignments differ from what they must be. */
export interface RoleDrift {
  readonly missing: readonly RequiredRole[];
  /** Assigned, but limited by a condition that somebody added. */
  readonly narrowed: readonly RequiredRole[];
  /** Ours, and not required any more: of an identity that no longer serves, or for the registry's other mode. */
  readonly stale: readonly RoleAssignment[];
}

/** Compares the assignments that were found with the roles that are required. */
export function compareAssignments(
  scope: string,
  found: readonly RoleAssignment[],
  required: readonly RequiredRole[],
  { principals, listed }: FunctionPrincipals,
): RoleDrift {
  const isFor = (each: RoleAssignment) => (role: RequiredRole) =>
    each.principalId?.toLowerCase() === role.principalId && lastPart(each.roleDefinitionId) === role.roleId;
  const here = found.filter((each) => isOn(each, scope));
  const lacking = required.filter((role) => !found.some((each) => !each.condition && isFor(each)(role)));
  // On one scope, Azure has one assignment of a role to an identity, with a condition or without one.
  const narrowed = lacking.filter((role) => here.some((each) => isFor(each)(role)));
  return {
    narrowed,
    missing: lacking.filter((role) => !narrowed.includes(role)),
    // If nobody listed the identities that serve, we do not know which ones no longer do.
    stale: ownAssignments(scope, found).filter(
      (each) => !required.some(isFor(each)) && (listed || principals.includes(each.principalId?.toLowerCase() ?? "")),
    ),
  };
}

function isOn(each: RoleAssignment, scope: string): boolean {
  return each.scope?.toLowerCase() === scope.toLowerCase();
}

/** Our assignments on the registry itself. */
export function ownAssignments(scope: string, found: readonly RoleAssignment[]): readonly RoleAssignment[] {
  return found.filter((each) => each.description === marker && isOn(each, scope));
}

/** @throws RESOURCE_CONFLICT where a condition limits what a function must be able to do: whoever added it had a reason */
export function refuseNarrowed([first]: readonly RequiredRole[], more = ""): void {
  if (first === undefined) return;
  throw new ArtifactRegistryError("RESOURCE_CONFLICT", `${describeRole(first)} on the registry under a condition.`, {
    hint: `Remove that role assignment, or its condition.${more}`,
    context: { principalId: first.principalId, role: first.role },
  });
}

/** The beginning of a sentence, as `The identity {id} has the role AcrPush`. */
export function describeRole({ principalId, role }: RequiredRole, verb = "has"): string {
  return `The identity ${principalId} ${verb} the role ${role}`;
}

function lastPart(id: string | undefined): string | undefined {
  return id?.split("/").at(-1)?.toLowerCase();
}
