import { markdownOf, rowsOf } from "../../support/faults/rows.ts";

const arm = (action: string) => `arm:${action}`;
const acr = (action: string) => `acr:${action}`;

/** The identity's token: once for Azure Resource Manager and once for registries, by a process that has just started. */
const identity = "identity:getToken";
const exchange = [identity, acr("exchange")];
const token = acr("token");
const find = arm("GET scopeMaps");
const operation = arm("GET operationStatuses of scopeMaps");
const images = [token, acr("GET repository")];
const deleteImages = [token, acr("DELETE repository")];
const deleteScopeMap = [arm("DELETE scopeMaps"), arm("GET operationResults"), find];
/** That the registry is ours: asked where no variable binds it. */
const proof = arm("GET registries");
const made = [find, arm("PUT scopeMaps"), operation, find];

/** By operation, then by case: each call as `service:action`, in order. docs/azure.md has the same table. */
export const golden = {
  createRepository: {
    "a new one": [...made, ...images],
    "one that is there": [find, ...images],
    "one whose scope map has other actions": [find, arm("PATCH scopeMaps"), operation, find, ...images],
    "one whose scope map is somebody else's": [find],
    "by a new process": [identity, ...made, ...exchange, ...images],
    "of a derived registry, by a new process": [identity, proof, ...made, ...exchange, ...images],
  },
  getRepository: {
    "one that was created": [find, ...images],
    "one that was only pushed to": [find, ...images],
    "one that is not there": [find, ...images],
  },
  deleteRepository: {
    "one with images": [find, ...deleteImages, ...deleteScopeMap],
    "one that is gone": [find, ...deleteImages],
    "by a new process": [identity, find, ...exchange, ...deleteImages, ...deleteScopeMap],
    "of a derived registry, by a new process": [
      ...[identity, proof, find],
      ...[...exchange, ...deleteImages, ...deleteScopeMap],
    ],
  },
  listRepositories: {
    plain: [arm("LIST scopeMaps"), token, acr("GET catalog")],
    "by a new process": [identity, arm("LIST scopeMaps"), ...exchange, token, acr("GET catalog")],
  },
  listImages: {
    plain: [token, acr("GET manifests")],
    "of one without images": [token, acr("GET manifests"), find],
  },
  deleteImage: {
    "by digest": [token, "registry:DELETE manifest"],
    "by tag": [token, acr("DELETE tag")],
    "one that is gone": [token, "registry:DELETE manifest"],
  },
  generateCredentials: {
    pull: [token],
    "push-pull": [token],
    "once more": [],
    "by a new process": [...exchange, token],
    "by a new process that is not told the login server": [identity, arm("GET registries"), ...exchange, token],
    "of a derived registry, by a new process": [identity, proof, ...exchange, token],
  },
  setupRepository: {
    "a new one": [...made, ...images],
    "an event": [...made, ...images],
    "an event that comes too late": [],
    "with access, which Azure knows none of": [],
  },
  addCrossAccountAccess: { "which Azure knows none of": [] },
  describeRegistry: {
    // The second look is by a preview of the interface, which tells of soft delete.
    plain: [arm("GET registries"), arm("GET registries"), arm("GET listUsages"), token],
  },
} as const;

export const rows = rowsOf(golden);

/** The table as docs/azure.md shows it. */
export const markdown = () => markdownOf(rows);
