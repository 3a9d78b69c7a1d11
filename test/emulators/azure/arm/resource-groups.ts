import { AzureError } from "../errors.ts";
import type { Answer } from "../http/answer.ts";
import type { World } from "../world.ts";
import { type ArmRequest, permit, type Route } from "./route.ts";

export const RESOURCE_GROUPS: readonly Route[] = [
  {
    action: "GET resourceGroups",
    method: "GET",
    path: /^\/subscriptions\/[^/]+\/resourcegroups\/([^/]+)$/i,
    versions: ["2021-04-01", "2022-09-01", "2024-03-01", "2024-11-01", "2025-03-01", "2025-04-01"],
    handle: get,
  },
];

function get(request: ArmRequest): Answer {
  const { world, path } = request;
  const [asked = ""] = path;
  permit(request, "Microsoft.Resources/subscriptions/resourceGroups/read", groupId(world, asked));
  const { name, location } = groupOf(world, asked);
  const body = {
    id: groupId(world, name),
    name,
    type: "Microsoft.Resources/resourceGroups",
    location,
    properties: { provisioningState: "Succeeded" },
  };
  return { status: 200, body };
}

export const groupId = ({ subscription }: World, name: string) =>
  `/subscriptions/${subscription}/resourceGroups/${name}`;

/** @throws AzureError ResourceGroupNotFound */
export function groupOf({ resourceGroups }: World, name: string): { readonly name: string; readonly location: string } {
  const group = resourceGroups.get(name.toLowerCase());
  if (group !== undefined) return group;
  throw new AzureError(404, "ResourceGroupNotFound", `Resource group '${name}' could not be found.`);
}
