import type { CallRecord } from "../../../emulators/azure/index.ts";
import type { Group } from "./group.ts";

/** Everything that a registry's provisioning could change, so that two moments can be compared. */
export function stateOf({ azure }: Group, mine: (name: string) => boolean = () => true): unknown {
  const { registries, assignments } = azure.world;
  const found = [...registries.values()]
    .filter(({ name }) => mine(name))
    .map((each) => {
      const { name, tags, sku, mode, adminUserEnabled, anonymousPullEnabled, provisioningState, location } = each;
      const scopeMaps = [...each.scopeMaps.values()].filter(({ type }) => type === "UserDefined");
      return {
        ...{ name, tags, sku, mode, adminUserEnabled, anonymousPullEnabled, provisioningState, location },
        ...{ others: each.others, scopeMaps, repositories: [...each.repositories.keys()] },
      };
    });
  const roles = assignments
    .list()
    .filter(({ scope }) => mine(scope.split("/").at(-1) ?? ""))
    .map(({ name, scope, roleId, principalId, condition, description }) => ({
      ...{ name, scope, roleId, principalId, condition, description },
    }));
  return JSON.parse(JSON.stringify({ registries: found, roles }));
}

/** How the function's own tokens come about is another matter. */
export const isControl = ({ service }: CallRecord) => service === "arm" || service === "acr";

export const isRead = ({ service, action }: CallRecord) => service === "acr" || /^(?:GET|LIST) /.test(action);

/** The calls to the registry and to Azure Resource Manager that an operation made. */
export async function callsOf({ azure }: Group, operation: () => Promise<unknown>): Promise<CallRecord[]> {
  const before = azure.calls.length;
  await operation();
  return azure.calls.slice(before).filter(isControl);
}

export const actionsOf = (calls: readonly CallRecord[]) => calls.map(({ service, action }) => `${service}:${action}`);
