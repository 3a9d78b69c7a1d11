import { type Registry, registryId } from "../acr/registry.ts";
import { AzureError } from "../errors.ts";
import type { Answer } from "../http/answer.ts";
import type { World } from "../world.ts";
import { operationResult, operationStatus, pollAt } from "./operations.ts";
import { badRequest, resourceNotFound } from "./refusals.ts";
import { readSettings, shownRegistry } from "./registry-document.ts";
import { groupId, groupOf } from "./resource-groups.ts";
import { type ArmRequest, permit, type Route, textOf } from "./route.ts";

const TYPE = "Microsoft.ContainerRegistry/registries";
const PROVIDER = "\\/providers\\/Microsoft\\.ContainerRegistry";
const path = (tail: string) => new RegExp(`^\\/subscriptions\\/[^/]+${tail}$`, "i");
const IN_GROUP = `\\/resourceGroups\\/([^/]+)${PROVIDER}\\/registries`;
export const VERSIONS = ["2019-05-01", "2022-12-01", "2023-07-01", "2025-04-01", "2025-11-01"];

/** One registry is also shown by a preview: with what only a preview knows. */
const PREVIEW = "2025-05-01-preview";

const route = (method: Route["method"], action: string, pattern: RegExp, handle: Route["handle"]): Route => ({
  method,
  action,
  path: pattern,
  versions: VERSIONS,
  handle,
});

export const REGISTRIES: readonly Route[] = [
  route("POST", "checkNameAvailability", path(`${PROVIDER}\\/checkNameAvailability`), checkName),
  route("GET", "LIST registries", path(`${PROVIDER}\\/registries`), listAll),
  route("GET", "LIST registries", path(IN_GROUP), listGroup),
  route("PUT", "PUT registries", path(`${IN_GROUP}\\/([^/]+)`), put),
  route("PATCH", "PATCH registries", path(`${IN_GROUP}\\/([^/]+)`), patch),
  { ...route("GET", "GET registries", path(`${IN_GROUP}\\/([^/]+)`), get), versions: [...VERSIONS, PREVIEW] },
  route("DELETE", "DELETE registries", path(`${IN_GROUP}\\/([^/]+)`), remove),
  route("POST", "listCredentials", path(`${IN_GROUP}\\/([^/]+)\\/listCredentials`), listCredentials),
  route("GET", "GET operationStatuses", path(`${IN_GROUP}\\/([^/]+)\\/operationStatuses\\/([^/]+)`), status),
  route("GET", "GET operationResults", path(`${PROVIDER}\\/locations\\/[^/]+\\/operationResults\\/([^/]+)`), result),
];

/** The id of the registry that a path is about, whether or not it is there. */
export function idOf({ world, path: [group = "", name = ""] }: ArmRequest): string {
  return registryId({ subscription: world.subscription, resourceGroup: group, name });
}

/** The registry of that name in that group. */
export function registryIn(world: World, group: string, name: string): Registry | undefined {
  const registry = world.registries.get(name.toLowerCase());
  return registry?.resourceGroup.toLowerCase() === group.toLowerCase() ? registry : undefined;
}

function found(request: ArmRequest, action: string): Registry {
  const { world, path: groups } = request;
  const [group = "", name = ""] = groups;
  permit(request, `${TYPE}/${action}`, idOf(request));
  groupOf(world, group);
  const registry = registryIn(world, group, name);
  if (registry === undefined) throw resourceNotFound(TYPE, name, group);
  return registry;
}

function checkName(request: ArmRequest): Answer {
  const { world, body } = request;
  permit(request, "Microsoft.ContainerRegistry/checkNameAvailability/read", `/subscriptions/${world.subscription}`);
  const name = textOf(body, "name") ?? "";
  if (textOf(body, "type") !== TYPE) throw badRequest("InvalidType", "The type of the resource is not a registry.");
  const problem = nameProblem(name);
  if (problem !== undefined)
    return { status: 200, body: { nameAvailable: false, reason: "Invalid", message: problem } };
  if (!world.registries.has(name.toLowerCase())) return { status: 200, body: { nameAvailable: true } };
  const message = `The registry ${name} is already in use.`;
  return { status: 200, body: { nameAvailable: false, reason: "AlreadyExists", message } };
}

function nameProblem(name: string): string | undefined {
  if (/^[a-zA-Z0-9]{5,50}$/.test(name)) return undefined;
  return `The registry name '${name}' is invalid: 5 to 50 alphanumeric characters.`;
}

function listAll(request: ArmRequest): Answer {
  const { world } = request;
  permit(request, `${TYPE}/read`, `/subscriptions/${world.subscription}`);
  return { status: 200, body: { value: [...world.registries.values()].map((each) => shownRegistry(each)) } };
}

function listGroup(request: ArmRequest): Answer {
  const { world, path: groups } = request;
  const [group = ""] = groups;
  permit(request, `${TYPE}/read`, groupId(world, group));
  groupOf(world, group);
  const inside = [...world.registries.values()].filter(({ name }) => registryIn(world, group, name) !== undefined);
  return { status: 200, body: { value: inside.map((each) => shownRegistry(each)) } };
}

function get(request: ArmRequest): Answer {
  return { status: 200, body: shownRegistry(found(request, "read"), request.query.get("api-version") ?? "") };
}

async function put(request: ArmRequest): Promise<Answer> {
  const { world, body, path: groups } = request;
  const [group = "", name = ""] = groups;
  permit(request, `${TYPE}/write`, idOf(request));
  const { name: resourceGroup } = groupOf(world, group);
  const problem = nameProblem(name);
  if (problem !== undefined) throw badRequest("InvalidResourceName", problem);
  const location = textOf(body, "location")?.toLowerCase().replaceAll(" ", "");
  if (location === undefined) {
    throw badRequest("LocationRequired", "The location property is required for this definition.");
  }
  const settings = readSettings(body);
  const registry = registryIn(world, group, name);
  if (registry !== undefined) {
    checkLocation(registry, location);
    return update(request, registry, settings);
  }
  if (world.registries.has(name.toLowerCase())) throw alreadyInUse(world, name);
  const seed = { subscription: world.subscription, resourceGroup, location, name, ...settings };
  let made: Registry | undefined;
  const id = await request.operations.start(request.caller.principalId, request.fault, {
    async begin() {
      made = await world.addRegistry(seed);
      made.provisioningState = "Creating";
    },
    end() {
      if (made !== undefined) made.provisioningState = "Succeeded";
    },
  });
  const planned = { id: idOf(request), name, location, properties: { provisioningState: "Creating" } };
  return { status: 201, body: made === undefined ? planned : shownRegistry(made), headers: pollStatus(request, id) };
}

async function patch(request: ArmRequest): Promise<Answer> {
  const registry = found(request, "write");
  return update(request, registry, readSettings(request.body, registry));
}

async function update(request: ArmRequest, registry: Registry, settings: object): Promise<Answer> {
  checkState(registry);
  const id = await request.operations.start(request.caller.principalId, request.fault, {
    begin() {
      Object.assign(registry, settings, { provisioningState: "Updating" });
    },
    end() {
      registry.provisioningState = "Succeeded";
    },
  });
  return { status: 200, body: shownRegistry(registry), headers: pollStatus(request, id) };
}

async function remove(request: ArmRequest): Promise<Answer> {
  const { world, path: groups } = request;
  const [group = "", name = ""] = groups;
  permit(request, `${TYPE}/delete`, idOf(request));
  const registry = registryIn(world, group, name);
  if (registry === undefined) return { status: 204 };
  checkState(registry);
  const id = await request.operations.start(request.caller.principalId, request.fault, {
    begin() {
      registry.provisioningState = "Deleting";
    },
    end: () => world.removeRegistry(registry),
  });
  return id === undefined ? { status: 200 } : { status: 202, headers: pollResult(request, registry, id) };
}

function listCredentials(request: ArmRequest): Answer {
  const { name, adminUserEnabled, adminPassword } = found(request, "listCredentials/action");
  if (!adminUserEnabled) {
    const message = `Cannot perform credential operations for ${idOf(request)} as admin user is disabled.`;
    throw badRequest("UnauthorizedForCredentialOperations", message);
  }
  return { status: 200, body: { username: name, passwords: [{ name: "password", value: adminPassword }] } };
}

function status(request: ArmRequest): Answer {
  permit(request, `${TYPE}/operationStatuses/read`, idOf(request));
  return operationStatus(request, request.path[2] ?? "", request.url);
}

/**
 * Looking at an operation's result is a right of its own, at a place of the subscription: roles on a registry or its resource group do not
 * reach it.
 * @see https://learn.microsoft.com/azure/role-based-access-control/permissions/containers#microsoftcontainerregistry
 */
function result(request: ArmRequest): Answer {
  const [, place = ""] = /^https?:\/\/[^/]+(.*)$/.exec(request.url) ?? [];
  permit(request, "Microsoft.ContainerRegistry/locations/operationResults/read", place);
  return operationResult(request, request.path[0] ?? "");
}

export function pollResult(request: ArmRequest, { location }: Registry, id: string) {
  const at = `/subscriptions/${request.world.subscription}/providers/Microsoft.ContainerRegistry/locations/${location}`;
  return pollAt(request, "Location", `${at}/operationResults/${id}`);
}

function pollStatus(request: ArmRequest, id: string | undefined): Readonly<Record<string, string>> {
  return id === undefined ? {} : pollAt(request, "Azure-AsyncOperation", `${idOf(request)}/operationStatuses/${id}`);
}

function checkState({ name, provisioningState }: Registry): void {
  if (provisioningState === "Succeeded" || provisioningState === "Failed") return;
  const message = `An operation on the registry '${name}' is in progress: its state is ${provisioningState}.`;
  throw new AzureError(409, "OperationInProgress", message);
}

function checkLocation({ name, location, resourceGroup }: Registry, wanted: string): void {
  if (location === wanted) return;
  const message =
    `The resource '${name}' already exists in location '${location}' in resource group '${resourceGroup}'. A resource ` +
    `with the same name cannot be created in location '${wanted}'. Please select a new resource name.`;
  throw new AzureError(409, "InvalidResourceLocation", message);
}

function alreadyInUse({ cloud }: World, name: string): AzureError {
  const message =
    `The registry DNS name ${name.toLowerCase()}.${cloud.suffix} is already in use. You can check if the name is already ` +
    "claimed using following API: https://docs.microsoft.com/en-us/rest/api/containerregistry/registries/checknameavailability";
  return new AzureError(409, "AlreadyInUse", message);
}
