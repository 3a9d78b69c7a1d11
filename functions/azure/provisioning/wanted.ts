import { createHash } from "node:crypto";
import type { Mode, Settings } from "./settings.ts";

/** A role that an identity shall have on the container registry. */
export interface WantedRole {
  readonly principalId: string;
  /** Id of the role's definition. */
  readonly roleId: string;
  /** As people know it. */
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
  scopeMaps: {
    id: "3bc748fc-213d-45c1-8d91-9da5725539b9",
    name: "Container Registry Contributor and Data Access Configuration Administrator",
  },
} as const satisfies Record<string, Role>;

/** For images: each mode of a registry has roles of its own, and is blind to the other's. */
const imageRoles: Readonly<Record<Mode, readonly Role[]>> = {
  LegacyRegistryPermissions: [builtIn.push, builtIn.delete],
  AbacRepositoryPermissions: [builtIn.contributor],
};

export function wantedRoles(
  principals: readonly string[],
  mode: Mode,
  { scopeMapRole }: Pick<Settings, "scopeMapRole">,
): readonly WantedRole[] {
  const forScopeMaps = scopeMapRole === undefined ? builtIn.scopeMaps : { id: scopeMapRole, name: scopeMapRole };
  const roles = [...imageRoles[mode], forScopeMaps];
  return principals.flatMap((principalId) => roles.map(({ id, name }) => ({ principalId, roleId: id, role: name })));
}

/** The name of an assignment, which must be a GUID: the same one each time, so that none is made twice (RFC 9562, 5.8). */
export function assignmentName(scope: string, { principalId, roleId }: WantedRole): string {
  const parts = JSON.stringify([scope.toLowerCase(), principalId, roleId]);
  const bytes = createHash("sha256").update(parts).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
