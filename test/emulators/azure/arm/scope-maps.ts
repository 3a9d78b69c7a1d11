import { type Registry, registryId, type ScopeMap, type Sku } from "../acr/registry.ts";
import { AzureError } from "../errors.ts";
import type { Answer } from "../http/answer.ts";
import { operationStatus, pollAt } from "./operations.ts";
import { badRequest, parentNotFound, resourceNotFound } from "./refusals.ts";
import { idOf, pollResult, registryIn, VERSIONS } from "./registries.ts";
import { groupOf } from "./resource-groups.ts";
import { type ArmRequest, objectOf, permit, type Route, textOf } from "./route.ts";

const TYPE = "Microsoft.ContainerRegistry/registries/scopeMaps";
const ALL =
  "\\/subscriptions\\/[^/]+\\/resourceGroups\\/([^/]+)\\/providers\\/Microsoft\\.ContainerRegistry\\/registries\\/([^/]+)\\/scopeMaps";
const route = (method: Route["method"], action: string, tail: string, handle: Route["handle"]): Route => ({
  method,
  action: `${action} scopeMaps`,
  path: new RegExp(`^${ALL}${tail}$`, "i"),
  versions: VERSIONS,
  handle,
});

export const SCOPE_MAPS: readonly Route[] = [
  route("GET", "LIST", "", list),
  route("GET", "GET", "\\/([^/]+)", get),
  route("PUT", "PUT", "\\/([^/]+)", put),
  route("PATCH", "PATCH", "\\/([^/]+)", put),
  route("DELETE", "DELETE", "\\/([^/]+)", remove),
  route("GET", "GET operationStatuses of", "\\/([^/]+)\\/operationStatuses\\/([^/]+)", status),
];

/** How many a registry may have: those that everybody has are not counted. */
const QUOTAS: Readonly<Record<Sku, number>> = { Basic: 100, Standard: 500, Premium: 50_000 };
const NAME = /^[a-zA-Z0-9-_]{5,50}$/;
const ACTION =
  /^repositories\/(?:\*|[a-z0-9]+(?:[._/-]+[a-z0-9]+)*(?:\/\*)?)\/(?:content\/(?:read|write|delete)|metadata\/(?:read|write))$/;

interface Target {
  readonly registry: Registry;
  readonly name: string;
  readonly scopeMap: ScopeMap | undefined;
}

function target(request: ArmRequest, action: string): Target {
  const { world, path } = request;
  const [group = "", parent = "", name = ""] = path;
  permit(request, `${TYPE}/${action}`, name === "" ? idOf(request) : `${idOf(request)}/scopeMaps/${name}`);
  groupOf(world, group);
  const registry = registryIn(world, group, parent);
  if (registry === undefined) throw parentNotFound(parent);
  return { registry, name, scopeMap: registry.scopeMaps.get(name.toLowerCase()) };
}

function list(request: ArmRequest): Answer {
  const { registry } = target(request, "read");
  return { status: 200, body: { value: [...registry.scopeMaps.values()].map((one) => shown(registry, one)) } };
}

function get(request: ArmRequest): Answer {
  const { registry, name, scopeMap } = target(request, "read");
  if (scopeMap === undefined) throw notFound(registry, name);
  return { status: 200, body: shown(registry, scopeMap) };
}

async function put(request: ArmRequest): Promise<Answer> {
  const { registry, name, scopeMap } = target(request, "write");
  refuseSystemMaps(scopeMap);
  const isUpdate = request.record.action.startsWith("PATCH");
  if (isUpdate && scopeMap === undefined) throw notFound(registry, name);
  if (!NAME.test(name)) throw badRequest("InvalidResourceName", `The scope map name '${name}' is invalid.`);
  const properties = objectOf(request.body, "properties");
  const actions = actionsOf(properties.actions ?? (isUpdate ? scopeMap?.actions : undefined));
  const description = textOf(properties, "description") ?? (isUpdate ? scopeMap?.description : undefined);
  if (scopeMap === undefined) checkQuota(registry);
  const now = request.world.clock();
  const made: ScopeMap = scopeMap ?? {
    name,
    type: "UserDefined",
    creationDate: now,
    description,
    actions,
    provisioningState: "Creating",
  };
  const id = await request.operations.start(request.caller.principalId, request.fault, {
    begin() {
      const provisioningState = scopeMap === undefined ? "Creating" : "Updating";
      Object.assign(made, { description, actions, provisioningState });
      registry.scopeMaps.set(name.toLowerCase(), made);
    },
    end() {
      made.provisioningState = "Succeeded";
    },
  });
  const at = `${registryId(registry)}/scopeMaps/${name}/operationStatuses/${id}`;
  const headers = id === undefined ? {} : pollAt(request, "Azure-AsyncOperation", at);
  return { status: scopeMap === undefined ? 201 : 200, body: shown(registry, made), headers };
}

async function remove(request: ArmRequest): Promise<Answer> {
  const { registry, name, scopeMap } = target(request, "delete");
  refuseSystemMaps(scopeMap);
  if (scopeMap === undefined) return { status: 204 };
  const id = await request.operations.start(request.caller.principalId, request.fault, {
    begin() {
      scopeMap.provisioningState = "Deleting";
    },
    end() {
      registry.scopeMaps.delete(name.toLowerCase());
    },
  });
  return id === undefined ? { status: 200 } : { status: 202, headers: pollResult(request, registry, id) };
}

function status(request: ArmRequest): Answer {
  const [, , name = "", id = ""] = request.path;
  permit(request, `${TYPE}/operationStatuses/read`, `${idOf(request)}/scopeMaps/${name}`);
  return operationStatus(request, id, request.url);
}

function refuseSystemMaps(scopeMap: ScopeMap | undefined): void {
  if (scopeMap?.type !== "SystemDefined") return;
  throw badRequest(
    "SystemDefinedScopeMap",
    `The scope map '${scopeMap.name}' is system-defined and cannot be changed.`,
  );
}

function actionsOf(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw badRequest("InvalidScopeMapActions", "The property 'actions' is required: at least one action.");
  }
  for (const action of value) {
    if (typeof action === "string" && ACTION.test(action)) continue;
    throw badRequest("InvalidScopeMapActions", `The scope map action ${JSON.stringify(action)} is invalid.`);
  }
  return value as readonly string[];
}

export function scopeMapQuota({ sku, scopeMaps }: Registry): { readonly limit: number; readonly inUse: number } {
  const own = [...scopeMaps.values()].filter(({ type }) => type === "UserDefined");
  return { limit: QUOTAS[sku], inUse: own.length };
}

function checkQuota(registry: Registry): void {
  const { limit, inUse } = scopeMapQuota(registry);
  const { sku } = registry;
  if (inUse < limit) return;
  const message =
    `Quota exceeded for resource type scopeMaps for the registry SKU ${sku}. Learn more about different SKU quotas and ` +
    "upgrade process: https://aka.ms/acr/tiers";
  throw new AzureError(403, "QuotaExceeded", message);
}

const notFound = ({ name, resourceGroup }: Registry, scopeMap: string) =>
  resourceNotFound("Microsoft.ContainerRegistry/registries", `${name}/scopeMaps/${scopeMap}`, resourceGroup);

function shown(registry: Registry, { name, type, creationDate, description, actions, provisioningState }: ScopeMap) {
  return {
    id: `${registryId(registry)}/scopeMaps/${name}`,
    name,
    type: TYPE,
    properties: {
      ...(description === undefined ? {} : { description }),
      type,
      creationDate: creationDate.toISOString(),
      provisioningState,
      actions,
    },
  };
}
