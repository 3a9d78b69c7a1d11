import type { DoorName } from "../../../core/doors.ts";
import { read } from "./module.ts";

const json = (name: string) => JSON.parse(read(`infra/gcp/roles/${name}.json`));

/** Concerns by what their roles are bound on. */
export interface DoorRoles {
  /** On the repository of each registry that is bound. */
  readonly repository: readonly string[];
  /** On the registries' project, where registries are derived. */
  readonly derived: readonly string[];
  /** There too, under the condition that the registry has the tag which provisioning attaches. */
  readonly tagged: readonly string[];
  /** On each pull and push account. */
  readonly account: readonly string[];
  /** On the registries' project. */
  readonly project: readonly string[];
  /** On the value of that tag. */
  readonly tag: readonly string[];
}

/** The doors that infra/gcp deploys. */
export type GcpDoor = Exclude<DoorName, "local">;

/** Which custom roles infra/gcp gives each door. */
export const doorRoles: Readonly<Record<GcpDoor, DoorRoles>> = json("doors");

/** The permissions of each custom role, by concern. */
export const rolePermissions: Readonly<Record<string, readonly string[]>> = json("permissions");

/** The permissions that infra/gcp gives a door on these places, sorted and each once. */
export function permissionsOn(door: GcpDoor, ...places: readonly (keyof DoorRoles)[]): string[] {
  const permissions = places.flatMap((place) =>
    doorRoles[door][place].flatMap((concern) => {
      const found = rolePermissions[concern];
      if (found === undefined) throw new Error(`There is no role for ${concern}.`);
      return found;
    }),
  );
  return [...new Set(permissions)].sort();
}

/** The roles that a concern's holder may give and take, for those that write policies under a condition. */
export const grantable: Readonly<Record<string, readonly string[]>> = json("grantable");

/** The tag that provisioning attaches, by the names in infra/gcp/tags.tf, where the prefix is `acme`. */
export const registryTag = { key: "acme-registries", value: "provisioned" };

/** The condition under which a concern's role is bound at a place, as infra/gcp writes it. */
export function conditionOf(
  place: keyof DoorRoles,
  concern: string,
  project: string,
): { title: string; expression: string } | undefined {
  if (place === "tagged") {
    const expression = `resource.matchTag('${project}/${registryTag.key}', '${registryTag.value}')`;
    return { title: "tagged_registries_only", expression };
  }
  const roles = grantable[concern];
  if (roles === undefined) return undefined;
  const list = roles.map((role) => `'${role}'`).join(", ");
  return {
    title: "grants_minting_only",
    expression: `api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([${list}])`,
  };
}
