import { setTimeout as sleep } from "node:timers/promises";
import { parseRepositoryName, type RepositoryName, resourceOf } from "../artifact-registry/repository.ts";
import { GcpError } from "../errors.ts";
import type { TagValue } from "../iam/tags.ts";
import type { World } from "../world.ts";
import { type Json, onlyFields, permit, type Request, type Route, textOf } from "./route.ts";

const BINDINGS = /^\/v3\/tagBindings$/;
const service = "cloudresourcemanager" as const;

/**
 * Attaching resource tags to repositories. What it needs: https://docs.cloud.google.com/artifact-registry/docs/repositories/tag-repos
 * and https://docs.cloud.google.com/resource-manager/docs/tags/tags-creating-and-managing
 */
export const RESOURCE_MANAGER: readonly Route[] = [
  { service, action: "CreateTagBinding", method: "POST", path: BINDINGS, handle: create },
  { service, action: "ListTagBindings", method: "GET", path: BINDINGS, handle: list },
];

/** Starts a long-running operation: the tag is attached when that is done. */
function create(request: Request): Json {
  const { world, body } = request;
  onlyFields(body, "parent", "tagValue");
  const repository = parentOf(world, textOf(body, "parent"));
  const id = textOf(body, "tagValue");
  const value = world.tags.value(id);
  permit(request, "artifactregistry.repositories.createTagBinding", resourceOf(world, repository));
  permit(request, "resourcemanager.tagValueBindings.create", {
    name: id,
    project: value?.project ?? "-",
    policy: value?.policy,
  });
  if (value === undefined) throw new GcpError("NOT_FOUND", `TagValue ${id} was not found.`);
  if (!world.repositories.has(repository.name)) throw new GcpError("NOT_FOUND", `${repository.name} was not found.`);
  for (const attached of world.tags.attachedTo(repository.name)) {
    if (attached.valueId === id)
      throw new GcpError("ALREADY_EXISTS", "A binding already exists between the given resource and TagValue.");
    if (attached.keyId === value.keyId)
      throw new GcpError("INVALID_ARGUMENT", `A value of ${value.keyId} is attached already.`);
  }
  const attach = async () => {
    await sleep(world.behaviour.operationMs, undefined, { ref: false });
    if (world.repositories.has(repository.name)) world.tags.attach(repository.name, id);
  };
  void attach();
  return { name: `operations/rctb.${repository.location}.${world.calls.length}`, done: false };
}

function list(request: Request): Json {
  const { world, query } = request;
  const repository = parentOf(world, query.get("parent") ?? "");
  permit(request, "artifactregistry.repositories.listTagBindings", resourceOf(world, repository));
  if (!world.repositories.has(repository.name)) throw new GcpError("NOT_FOUND", `${repository.name} was not found.`);
  const attached = world.tags.attachedTo(repository.name);
  return attached.length === 0 ? {} : { tagBindings: attached.map((value) => shown(world, repository, value)) };
}

/** As the API answers it: the project by its number, whichever way it was asked. */
function shown(world: World, { project, location, id }: RepositoryName, value: TagValue): Json {
  const number = world.directory.project(project)?.number ?? project;
  const parent = `//artifactregistry.googleapis.com/projects/${number}/locations/${location}/repositories/${id}`;
  const { keyName, valueId: tagValue, valueName } = value;
  const name = `tagBindings/${encodeURIComponent(parent)}/${tagValue}`;
  return { name, parent, tagValue, tagValueNamespacedName: `${keyName}/${valueName}` };
}

/** The repository whose full resource name this is, with its project's id or number. @throws INVALID_ARGUMENT */
function parentOf(world: World, parent: string): RepositoryName {
  const [, project, rest] = /^\/\/artifactregistry\.googleapis\.com\/projects\/([^/]+)\/(.+)$/.exec(parent) ?? [];
  if (project === undefined) throw new GcpError("INVALID_ARGUMENT", `Invalid parent: ${JSON.stringify(parent)}.`);
  return parseRepositoryName(`projects/${world.directory.project(project)?.id ?? project}/${rest}`);
}
