import type { IncomingMessage, ServerResponse } from "node:http";
import { digestOf } from "../../../../oci/client/index.ts";
import type { Backing } from "../../aws/data-plane/backing.ts";
import { RegistryRefusal } from "../../aws/data-plane/refusals.ts";
import { type Package, packageAt, type Repository } from "../artifact-registry/repository.ts";
import { refusalOfDeletion } from "../artifact-registry/versions.ts";
import type { World } from "../world.ts";

export interface Push {
  readonly world: World;
  readonly repository: Repository;
  readonly path: string;
  readonly name: string;
  readonly backing: Backing;
  readonly reference: string;
  readonly body: Buffer;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

const KEPT = ["location", "docker-content-digest", "oci-subject", "content-type", "docker-distribution-api-version"];

/** Stores a manifest; the image's path is a package before the client hears of it. */
export async function takePush(push: Push): Promise<void> {
  const { world, repository, path, name, backing, reference, body, req, res } = push;
  if (repository.immutableTags && !reference.includes(":")) await refuseOverwriting(push);
  const answer = await fetch(`${backing.url}/v2/${name}/manifests/${reference}`, {
    method: "PUT",
    headers: { authorization: backing.bearer(name), "content-type": req.headers["content-type"] ?? "" },
    body: new Uint8Array(body),
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (answer.status === 201) {
    noteVersion(packageAt(repository, path, world.clock()), reference, push, world.clock());
  }
  res.writeHead(answer.status, Object.fromEntries([...answer.headers].filter(([key]) => KEPT.includes(key))));
  res.end(bytes);
}

/** Deletes a manifest by its digest, or a tag. */
export async function takeDeletion({
  repository,
  path,
  name,
  reference,
  world,
  res,
}: Omit<Push, "body">): Promise<void> {
  const found = repository.packages.get(path);
  const refusal = found && refusalOfDeletion(repository, found, reference, false);
  if (refusal !== undefined) throw new RegistryRefusal(400, refusal.registryCode, refusal.message);
  const isThere = found !== undefined && (found.versions.has(reference) || found.tags.has(reference));
  if (!isThere) throw new RegistryRefusal(404, "MANIFEST_UNKNOWN", `Failed to fetch "${name}@${reference}"`);
  await world.dataPlane?.deleteManifest(repository, found, reference);
  res.writeHead(202, { "docker-distribution-api-version": "registry/2.0" });
  res.end();
}

/** The size of an image is that of its configuration and its layers; an index has that of its own bytes. */
function noteVersion({ versions, tags }: Package, reference: string, { body, req }: Push, now: Date): void {
  const digest = digestOf(body);
  const {
    config,
    layers = [],
    manifests = [],
  } = JSON.parse(body.toString()) as {
    readonly config?: { readonly size: number };
    readonly layers?: readonly { readonly size: number }[];
    readonly manifests?: readonly { readonly digest: string }[];
  };
  const known = versions.get(digest) ?? {
    digest,
    mediaType: req.headers["content-type"] ?? "",
    sizeBytes: layers.reduce((sum, { size }) => sum + size, config?.size ?? 0) || body.length,
    children: manifests.map((child) => child.digest),
    createTime: now,
    updateTime: now,
  };
  known.updateTime = now;
  versions.set(digest, known);
  if (!reference.includes(":")) tags.set(reference, digest);
}

async function refuseOverwriting({ backing, name, reference, body }: Push): Promise<void> {
  const taken = await backing.client(name).headManifest(name, reference);
  if (taken === undefined || taken.digest === digestOf(body)) return;
  const message = `cannot update tag ${reference}. The repository has enabled tag immutability`;
  throw new RegistryRefusal(400, "MANIFEST_INVALID", message);
}
