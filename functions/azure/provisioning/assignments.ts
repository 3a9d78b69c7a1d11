import type { RoleAssignment, RoleAssignments } from "@azure/arm-authorization";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { AcrContext } from "../acr/context.ts";
import { armRequest } from "../arm/arm.ts";
import { armList } from "../arm/pages.ts";
import { armRefusal, isNotFound, unexpected } from "../errors.ts";
import { resourceManager, subscriptionId } from "../place.ts";
import { assignmentName, type WantedRole } from "./wanted.ts";

/** By this an assignment is known as ours. */
const marker = "Made by artifact-registry functions.";

const permission = (verb: string) => ({
  permission: `Microsoft.Authorization/roleAssignments/${verb}`,
  role: "Role Based Access Control Administrator",
});

interface Loaded {
  readonly client: RoleAssignments;
  readonly getContinuationToken: (page: unknown) => string | undefined;
}

/** The role assignments of one container registry. */
export interface Assigned {
  readonly scope: string;
  load(): Promise<Loaded>;
}

export function assignedOn({ identity, binding, env }: AcrContext): Assigned {
  const subscription = subscriptionId(env);
  const group = `/subscriptions/${subscription}/resourceGroups/${binding.resourceGroupName}`;
  let loading: Promise<Loaded> | undefined;
  return {
    scope: `${group}/providers/Microsoft.ContainerRegistry/registries/${binding.registryName}`,
    load() {
      loading ??= import("./authorization-client.ts").then(({ createRoleAssignments, getContinuationToken }) => ({
        client: createRoleAssignments(identity, subscription, resourceManager(binding.loginServer, env)),
        getContinuationToken,
      }));
      return loading;
    },
  };
}

/** Those on the registry, and those above it that reach it. */
export function listAssignments(assigned: Assigned, call: Call): Promise<readonly RoleAssignment[]> {
  const request = { action: "LIST roleAssignments", ...permission("read") };
  return armList<RoleAssignment, Loaded>(assigned, call, request, {
    list: ({ client }, options) =>
      client.listForScope(assigned.scope, { ...options, filter: "atScope()", onResponse: refuseOddPage }),
    next: (page, loaded) => loaded.getContinuationToken(page),
  });
}

/** The client takes what is no list for an empty one. */
function refuseOddPage({ parsedBody, status }: { readonly parsedBody?: unknown; readonly status: number }): void {
  if (status !== 200) return;
  const value: unknown = typeof parsedBody === "object" && parsedBody !== null && Reflect.get(parsedBody, "value");
  if (!Array.isArray(value)) throw unexpected("Azure Resource Manager LIST roleAssignments");
}

/** How the assignments differ from what they must be. */
export interface RoleDrift {
  readonly missing: readonly WantedRole[];
  /** Assigned, but bounded by a condition that somebody put there. */
  readonly narrowed: readonly WantedRole[];
  /** Ours, and not wanted any more: an identity that serves no longer, a role of the registry's other mode. */
  readonly stale: readonly RoleAssignment[];
}

export function compareAssignments(
  { scope }: Assigned,
  found: readonly RoleAssignment[],
  wanted: readonly WantedRole[],
): RoleDrift {
  const isFor = (each: RoleAssignment) => (role: WantedRole) =>
    each.principalId?.toLowerCase() === role.principalId && lastPart(each.roleDefinitionId) === role.roleId;
  const here = found.filter((each) => each.scope?.toLowerCase() === scope.toLowerCase());
  const lacking = wanted.filter((role) => !found.some((each) => !each.condition && isFor(each)(role)));
  // Azure has one assignment of a role for an identity on a scope, with its condition or without one.
  const narrowed = lacking.filter((role) => here.some((each) => isFor(each)(role)));
  return {
    narrowed,
    missing: lacking.filter((role) => !narrowed.includes(role)),
    stale: here.filter((each) => isOurs(each) && !wanted.some(isFor(each))),
  };
}

export function isOurs({ description }: RoleAssignment): boolean {
  return description === marker;
}

/** Assigns a role. That somebody has done so meanwhile is as good. */
export async function assign(assigned: Assigned, wanted: WantedRole, call: Call): Promise<void> {
  const { scope } = assigned;
  const { principalId, roleId } = wanted;
  const codes = /^(?:RoleAssignmentExists|UnmatchedPrincipalType|PrincipalNotFound|RoleDefinitionDoesNotExist)$/;
  const request = {
    action: "PUT roleAssignments",
    ...permission("write"),
    expected: (error: unknown) => codes.test(armRefusal(error)?.code ?? ""),
  };
  const parameters = {
    roleDefinitionId: `${scope.split("/").slice(0, 3).join("/")}/providers/Microsoft.Authorization/roleDefinitions/${roleId}`,
    principalId,
    // Told, since an identity that was just made is not found everywhere yet.
    principalType: "ServicePrincipal",
    description: marker,
  };
  try {
    await armRequest(assigned, call, request, ({ client }, options) =>
      client.create(scope, assignmentName(scope, wanted), parameters, options),
    );
  } catch (error) {
    const code = armRefusal(error)?.code ?? "";
    if (code === "RoleAssignmentExists") return;
    if (!codes.test(code)) throw error;
    throw unusable(wanted, code, error);
  }
}

/** Takes an assignment back. One that is gone is taken back already. */
export async function unassign(assigned: Assigned, { name }: RoleAssignment, call: Call): Promise<void> {
  if (name === undefined) {
    throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "Azure answered a role assignment without a name.");
  }
  const request = { action: "DELETE roleAssignments", ...permission("delete"), expected: isNotFound };
  try {
    await armRequest(assigned, call, request, ({ client }, options) => client.delete(assigned.scope, name, options));
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
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

function unusable({ principalId, roleId }: WantedRole, code: string, cause: unknown): ArtifactRegistryError {
  const isRole = code === "RoleDefinitionDoesNotExist";
  const what = isRole ? `no role ${roleId}` : `no managed identity or service principal ${principalId}`;
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `Azure knows ${what}.`, {
    hint: isRole
      ? "Set ALIEN_SCOPE_MAP_ROLE_ID to the id of a role definition that is there, or leave it out."
      : "ALIEN_FUNCTION_PRINCIPAL_IDS lists object ids of service principals, which are not their client ids.",
    cause,
  });
}

function lastPart(id: string | undefined): string | undefined {
  return id?.split("/").at(-1)?.toLowerCase();
}
