import { bodyOf } from "../../aws/data-plane/request.ts";
import { AzureError } from "../errors.ts";
import type { Answer } from "../http/answer.ts";
import { forget, type Lock, shownManifest, shownRepository, shownTag, UNLOCKED } from "./catalogue.ts";
import { listNames } from "./listing.ts";
import { unknownRepository } from "./refusals.ts";
import type { Repository } from "./registry.ts";
import { permit, type RegistryCall } from "./request.ts";

/** What a path of `/acr/v1` means. The name may be encoded as one part of the path. */
export interface Target {
  readonly kind: "catalog" | "repository" | "tags" | "tag" | "manifests" | "manifest";
  readonly name: string;
  readonly reference: string;
}

export function parseTarget(path: string): Target | undefined {
  if (path === "/acr/v1/_catalog") return { kind: "catalog", name: "", reference: "" };
  const [, name, listing, reference = ""] =
    /^\/acr\/v1\/([^_].*?)(?:\/_(tags|manifests)(?:\/([^/]+))?)?$/.exec(path) ?? [];
  if (name === undefined) return undefined;
  if (listing === undefined) return { kind: "repository", name, reference };
  if (listing === "tags") return { kind: reference === "" ? "tags" : "tag", name, reference };
  return { kind: reference === "" ? "manifests" : "manifest", name, reference };
}

/**
 * The registry's own API beside the distribution protocol.
 * @see https://learn.microsoft.com/rest/api/containerregistry/repository
 */
export async function answerAcr(call: RegistryCall, { kind, name, reference }: Target): Promise<Answer> {
  const { registry, method } = call;
  if (kind === "catalog") {
    if (method !== "GET") throw unsupported();
    await permit(call, { type: "registry", name: "catalog", actions: ["*"] });
    const names = [...registry.repositories.values()].filter(({ locks }) => locks.listEnabled).map((one) => one.name);
    return listNames(call, names, (repositories) => ({ repositories }));
  }
  const action = method === "DELETE" ? "delete" : method === "PATCH" ? "metadata_write" : "metadata_read";
  await permit(call, { type: "repository", name, actions: [action] });
  const repository = registry.repositories.get(name);
  if (repository === undefined) throw unknownRepository(name);
  const about = { registry: registry.loginServer, imageName: name };
  switch (`${method} ${kind}`) {
    case "GET repository":
      return { status: 200, body: shownRepository(registry, repository) };
    case "PATCH repository":
      return change(call, repository);
    case "DELETE repository":
      return remove(call, repository);
    case "GET tags":
      return listNames(call, [...repository.tags.keys()], (names) => ({
        ...about,
        tags: names.map((one) => tagOf(repository, one)),
      }));
    case "GET tag":
      return { status: 200, body: { ...about, tag: tagOf(repository, reference) } };
    case "DELETE tag":
      return removeTag(call, repository, reference);
    case "GET manifests":
      return listNames(call, [...repository.manifests.keys()], (digests) => ({
        ...about,
        manifests: digests.map((one) => manifestOf(repository, one)),
      }));
    case "GET manifest":
      return { status: 200, body: { ...about, manifest: manifestOf(repository, reference) } };
    default:
      throw unsupported();
  }
}

const unsupported = () => new AzureError(405, "UNSUPPORTED", "The operation is unsupported.");

function tagOf(repository: Repository, name: string): object {
  const tag = repository.tags.get(name);
  if (tag === undefined) throw new AzureError(404, "TAG_UNKNOWN", "the specified tag does not exist");
  return shownTag(tag);
}

function manifestOf(repository: Repository, digest: string): object {
  const manifest = repository.manifests.get(digest);
  if (manifest !== undefined) return shownManifest(repository, manifest);
  throw new AzureError(404, "MANIFEST_UNKNOWN", `manifest ${digest} is not found`);
}

async function change(call: RegistryCall, repository: Repository): Promise<Answer> {
  const wanted = JSON.parse((await bodyOf(call.req)).toString()) as Record<string, unknown>;
  for (const lock of Object.keys(UNLOCKED) as Lock[]) {
    const value = wanted[lock];
    if (typeof value === "boolean") repository.locks[lock] = value;
  }
  return { status: 200, body: shownRepository(call.registry, repository) };
}

/** Deletes a repository with all its images. The work is done when this is answered, as far as anybody can see. */
async function remove(call: RegistryCall, repository: Repository): Promise<Answer> {
  const { registry, backing } = call;
  if (!repository.locks.deleteEnabled) throw unsupported();
  const body = { manifestsDeleted: [...repository.manifests.keys()], tagsDeleted: [...repository.tags.keys()] };
  await (await backing()).deleteRepository(repository.name);
  registry.repositories.delete(repository.name);
  return { status: 202, body };
}

async function removeTag(call: RegistryCall, repository: Repository, tag: string): Promise<Answer> {
  tagOf(repository, tag);
  if (!repository.locks.deleteEnabled) throw unsupported();
  const backing = await call.backing();
  const url = `${backing.url}/v2/${repository.name}/manifests/${tag}`;
  const headers = { authorization: backing.bearer(repository.name) };
  const answer = await fetch(url, { method: "DELETE", headers });
  await answer.body?.cancel();
  // A test may have put it into the catalogue alone.
  if (!answer.ok && answer.status !== 404) throw new Error(`The backing registry answered ${answer.status}.`);
  forget(repository, tag, call.world.clock());
  return { status: 202 };
}
