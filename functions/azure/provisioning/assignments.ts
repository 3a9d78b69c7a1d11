import type { RoleAssignment, RoleAssignments } from "@azure/arm-authorization";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { once } from "../../../core/once.ts";
import type { AcrContext } from "../acr/context.ts";
import { armRequest } from "../arm/arm.ts";
import { armList } from "../arm/pages.ts";
import { armRefusal, isNotFound, unexpected } from "../errors.ts";
import { resourceManager, subscriptionId } from "../place.ts";
import { marker } from "./role-drift.ts";
import { assignmentName, type WantedRole } from "./wanted.ts";

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

export function assignedOn({ identity, binding, env }: Pick<AcrContext, "identity" | "binding" | "env">): Assigned {
  const subscription = subscriptionId(env);
  const group = `/subscriptions/${subscription}/resourceGroups/${binding.resourceGroupName}`;
  return {
    scope: `${group}/providers/Microsoft.ContainerRegistry/registries/${binding.registryName}`,
    load: once(async () => {
      const { createRoleAssignments, getContinuationToken } = await import("./authorization-client.ts");
      const endpoint = resourceManager(binding.loginServer, env);
      return { client: createRoleAssignments(identity, subscription, endpoint), getContinuationToken };
    }),
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
