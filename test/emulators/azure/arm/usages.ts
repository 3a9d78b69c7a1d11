import type { Answer } from "../http/answer.ts";
import { resourceNotFound } from "./refusals.ts";
import { idOf, registryIn, VERSIONS } from "./registries.ts";
import { groupOf } from "./resource-groups.ts";
import { type ArmRequest, permit, type Route } from "./route.ts";
import { scopeMapQuota } from "./scope-maps.ts";

const TYPE = "Microsoft.ContainerRegistry/registries";

/** How much of its limits a registry uses. */
export const USAGES: readonly Route[] = [
  {
    method: "GET",
    action: "GET listUsages",
    path: /^\/subscriptions\/[^/]+\/resourceGroups\/([^/]+)\/providers\/Microsoft\.ContainerRegistry\/registries\/([^/]+)\/listUsages$/i,
    versions: VERSIONS,
    handle: listUsages,
  },
];

/** @see https://learn.microsoft.com/rest/api/container-registry/registries/list-usages */
function listUsages(request: ArmRequest): Answer {
  const { world, path } = request;
  const [group = "", name = ""] = path;
  permit(request, `${TYPE}/listUsages/read`, idOf(request));
  groupOf(world, group);
  const registry = registryIn(world, group, name);
  if (registry === undefined) throw resourceNotFound(TYPE, name, group);
  const { limit, inUse } = scopeMapQuota(registry);
  const bytes = [...registry.repositories.values()]
    .flatMap(({ manifests }) => [...manifests.values()])
    .reduce((sum, { size }) => sum + size, 0);
  const value = [
    { name: "Size", limit: 10 * 2 ** 30, currentValue: bytes, unit: "Bytes" },
    { name: "ScopeMaps", limit, currentValue: inUse, unit: "Count" },
  ];
  return { status: 200, body: { value } };
}
