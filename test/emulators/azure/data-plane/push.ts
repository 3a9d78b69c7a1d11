import { bodyOf } from "../../aws/data-plane/request.ts";
import { forget, noteManifest } from "../acr/catalogue.ts";
import type { Repository } from "../acr/registry.ts";
import type { RegistryCall } from "../acr/request.ts";
import { AzureError } from "../errors.ts";
import type { Answer } from "../http/answer.ts";

const KEPT = ["location", "docker-content-digest", "oci-subject", "docker-distribution-api-version"];

/** Stores a manifest; the repository is there before the client hears of it. */
export async function takePush(call: RegistryCall, name: string, reference: string): Promise<Answer> {
  const { world, registry, req } = call;
  if (registry.repositories.get(name)?.locks.writeEnabled === false) {
    throw new AzureError(405, "UNSUPPORTED", "The operation is disallowed on this registry, repository or image.");
  }
  const body = await bodyOf(req);
  const mediaType = req.headers["content-type"] ?? "";
  const { answer, digest } = await send(call, name, reference, { body: new Uint8Array(body), mediaType });
  if (answer.status !== 201 || digest === null) return answer;
  const tag = reference.includes(":") ? undefined : reference;
  noteManifest(registry, name, world.clock(), { digest, tag, mediaType, size: sizeOf(body) });
  return answer;
}

/** The size of an image is that of its configuration and its layers; an index has none. */
function sizeOf(body: Buffer): number {
  const { config, layers = [] } = JSON.parse(body.toString()) as {
    readonly config?: { readonly size: number };
    readonly layers?: readonly { readonly size: number }[];
  };
  return layers.reduce((sum, { size }) => sum + size, config?.size ?? 0);
}

/** Deletes a manifest by its digest, with its tags, or a tag. What an index holds is deleted as well (Azure/acr-cli#131). */
export async function takeDeletion(call: RegistryCall, repository: Repository, reference: string): Promise<Answer> {
  if (!repository.manifests.has(reference) && !repository.tags.has(reference)) {
    throw new AzureError(404, "MANIFEST_UNKNOWN", "manifest unknown");
  }
  if (!repository.locks.deleteEnabled) {
    throw new AzureError(405, "UNSUPPORTED", "The operation is disallowed on this registry, repository or image.");
  }
  await send(call, repository.name, reference);
  forget(repository, reference, call.world.clock());
  return { status: 202 };
}

async function send(
  call: RegistryCall,
  name: string,
  reference: string,
  content?: { readonly body: Uint8Array<ArrayBuffer>; readonly mediaType: string },
) {
  const backing = await call.backing();
  const answer = await fetch(`${backing.url}/v2/${name}/manifests/${reference}`, {
    method: call.method,
    headers: {
      authorization: backing.bearer(name),
      ...(content === undefined ? {} : { "content-type": content.mediaType }),
    },
    ...(content === undefined ? {} : { body: content.body }),
  });
  const text = await answer.text();
  const headers = Object.fromEntries([...answer.headers].filter(([key]) => KEPT.includes(key)));
  const shown: Answer = { status: answer.status, headers, ...(text === "" ? {} : { body: text }) };
  return { answer: shown, digest: answer.headers.get("docker-content-digest") };
}
