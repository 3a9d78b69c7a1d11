import type { RoleAssignment, RoleAssignments } from "@azure/arm-authorization";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { once } from "../../../core/once.ts";
import type { AcrContext } from "../acr/context.ts";
import { armList } from "../arm/pages.ts";
import { armRequest } from "../arm/requests.ts";
import { armRefusal, isNotFound, unexpected } from "../errors.ts";
import { resourceManager, subscriptionId } from "../place.ts";
import { assignmentName, marker, type RequiredRole } from "./roles.ts";

const permission = (verb: string) => ({
  permission: `Microsoft.Authorization/roleAssignments/${verb}`,
  role: "Role Based Access Control Administrator",
});

interface Loaded {
  readonly client: RoleAssignments;
  readonly getContinuationToken: (page: unknown) => string | undefined;
}

/** The role assignments of one container registry. */
export interface AssignmentsOn {
  readonly scope: string;
  load(): Promise<Loaded>;
}

export function assignmentsOn({
  identity,
  binding,
  env,
}: Pick<AcrContext, "identity" | "binding" | "env">): AssignmentsOn {
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

/** Lists the assignments on the registry, and those on what contains it, which reach it, too. */
export function listAssignments(onRegistry: AssignmentsOn, call: Call): Promise<readonly RoleAssignment[]> {
  const request = { action: "LIST roleAssignments", ...permission("read") };
  return armList<RoleAssignment, Loaded>(onRegistry, call, request, {
    list: ({ client }, options) =>
      client.listForScope(onRegistry.scope, { ...options, filter: "atScope()", onResponse: refuseBadPage }),
    next: (page, loaded) => loaded.getContinuationToken(page),
  });
}

/** Checks that a page is a list, because the client takes any other answer for an empty list. */
function refuseBadPage({ parsedBody, status }: { readonly parsedBody?: unknown; readonly status: number }): void {
  if (status !== 200) return;
  const value: unknown = typeof parsedBody === "object" && parsedBody !== null && Reflect.get(parsedBody, "value");
  if (!Array.isArray(value)) throw unexpected("Azure Resource Manager LIST roleAssignments");
}

/** Assigns a role. It counts as assigned if somebody else has done so meanwhile. */
export async function assign(onRegistry: AssignmentsOn, required: RequiredRole, call: Call): Promise<void> {
  const { scope } = onRegistry;
  const { principalId, roleId } = required;
  const codes = /^(?:RoleAssignmentExists|UnmatchedPrincipalType|PrincipalNotFound|RoleDefinitionDoesNotExist)$/;
  const request = {
    action: "PUT roleAssignments",
    ...permission("write"),
    expected: (error: unknown) => codes.test(armRefusal(error)?.code ?? ""),
  };
  const parameters = {
    roleDefinitionId: `${scope.split("/").slice(0, 3).join("/")}/providers/Microsoft.Authorization/roleDefinitions/${roleId}`,
    principalId,
    // Azure needs the type for an identity that was just made, because it cannot look it up everywhere yet.
    principalType: "ServicePrincipal",
    description: marker,
  };
  try {
    await armRequest(onRegistry, call, request, ({ client }, options) =>
      client.create(scope, assignmentName(scope, required), parameters, options),
    );
  } catch (error) {
    const code = armRefusal(error)?.code ?? "";
    if (code === "RoleAssignmentExists") return;
    if (!codes.test(code)) throw error;
    throw unknownToAzure(required, code, error);
  }
}

/** Takes an assignment back. One that does not exist counts as taken back. */
export async function unassign(onRegistry: AssignmentsOn, { name }: RoleAssignment, call: Call): Promise<void> {
  if (name === undefined) {
    throw new ArtifactRegistryError(
      "UNEXPECTED_RESPONSE_FORMAT",
      "Azure answered with a role assignment that has no name.",
    );
  }
  const request = { action: "DELETE roleAssignments", ...permission("delete"), expected: isNotFound };
  try {
    await armRequest(onRegistry, call, request, ({ client }, options) =>
      client.delete(onRegistry.scope, name, options),
    );
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function unknownToAzure({ principalId, roleId }: RequiredRole, code: string, cause: unknown): ArtifactRegistryError {
  const isRole = code === "RoleDefinitionDoesNotExist";
  const what = isRole ? `no role ${roleId}` : `no managed identity or service principal ${principalId}`;
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `Azure knows ${what}.`, {
    hint: isRole
      ? "Set ALIEN_SCOPE_MAP_ROLE_ID to the id of a role definition that exists, or leave it out."
      : "ALIEN_FUNCTION_PRINCIPAL_IDS lists object ids of service principals, which are not their client ids.",
    cause,
  });
}
