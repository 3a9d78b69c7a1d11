import { markdownOf, rowsOf } from "../../support/faults/rows.ts";

const arm = (action: string) => `arm:${action}`;
const acr = (action: string) => `acr:${action}`;

/** Once for Azure Resource Manager and once for registries: each row is run by a process that has just started. */
const identity = "identity:getToken";
const find = arm("GET registries");
const roles = arm("LIST roleAssignments");
const assign = arm("PUT roleAssignments");
const unassign = arm("DELETE roleAssignments");
/** The client itself reads what an operation made. */
const made = [arm("GET operationStatuses"), find];
const create = [identity, find, arm("LIST registries"), arm("PUT registries"), ...made, roles, assign, assign, assign];
const catalog = [acr("token"), acr("GET catalog")];
const look = [identity, find, arm("LIST scopeMaps"), identity, acr("exchange"), ...catalog];
const remove = [
  ...[roles, unassign, unassign, unassign, arm("LIST scopeMaps"), ...catalog],
  ...[arm("DELETE registries"), arm("GET operationResults"), arm("GET registries")],
];

/** Of the door that makes registries, by operation, then by case: each call as `service:action`, in order. */
export const provisioningGolden = {
  provisionRegistry: {
    "from nothing": create,
    "for the function itself": create,
    "one that is there": [identity, find, roles],
    "one that drifted": [identity, find, roles, assign, arm("PATCH registries"), ...made, unassign],
    "one that is somebody else's": [identity, find],
  },
  describeRegistry: { "through the provision door": [identity, find, roles] },
  deprovisionRegistry: {
    "an empty one": [...look, ...remove],
    "one with images, when told": [...look, ...remove],
    "one with images": look,
    "one that is gone": [identity, find],
  },
} as const;

export const provisioningRows = rowsOf(provisioningGolden);

/** The table as docs/azure.md shows it. */
export const provisioningMarkdown = () => markdownOf(provisioningRows);
