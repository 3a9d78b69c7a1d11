import type { IncomingMessage, ServerResponse } from "node:http";
import { isIndex } from "../../../../oci/client/index.ts";
import {
  destinationsOf,
  type ImageStore,
  type PrivateRegistry,
  type Repository,
  type StoredImage,
  tagged,
} from "../ecr/state.ts";
import { eventOf } from "../events.ts";
import type { World } from "../world.ts";
import type { Backing } from "./backing.ts";
import { RegistryRefusal } from "./refusals.ts";

export interface Push {
  readonly world: World;
  readonly registry: PrivateRegistry;
  readonly repository: Repository;
  readonly backing: Backing;
  readonly reference: string;
  readonly body: Buffer;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

/** Stores a manifest, and notes the image before the client hears of it. */
export async function takePush(push: Push): Promise<void> {
  const { world, registry, repository, backing, reference, body, req, res } = push;
  const tag = reference.includes(":") ? undefined : reference;
  const taken = tag === undefined ? undefined : tagged(repository.images, tag);
  const { digest, answer } = await forward(backing, repository.name, reference, body, req, taken, repository);
  if (digest !== undefined) {
    noteImage(world, repository, { digest, tag, body, mediaType: req.headers["content-type"] ?? "" });
    const detail = { "repository-name": repository.name, "image-digest": digest, "image-tag": tag };
    const at = { account: registry.account, region: registry.region, time: world.clock() };
    world.events.push(eventOf("ECR Image Action", at, { result: "SUCCESS", "action-type": "PUSH", ...detail }));
    queueReplicas(registry, repository.name, digest, tag);
    if (world.behaviour.replicateAtOnce) await world.dataPlane?.replicate();
  }
  res.writeHead(answer.status, answer.headers);
  res.end(answer.body);
}

async function forward(
  backing: Backing,
  name: string,
  reference: string,
  body: Buffer,
  req: IncomingMessage,
  taken: StoredImage | undefined,
  { tagMutability }: Repository,
) {
  const url = `${backing.url}/v2/${name}/manifests/${reference}`;
  const headers = { authorization: backing.bearer(name), "content-type": req.headers["content-type"] ?? "" };
  if (taken !== undefined && tagMutability === "IMMUTABLE" && !(await sameContent(taken, body))) {
    throw new RegistryRefusal(
      400,
      "TAG_INVALID",
      `The image tag '${reference}' already exists in the '${name}' repository and cannot be overwritten because the tag is immutable.`,
    );
  }
  const answer = await fetch(url, { method: "PUT", headers, body: new Uint8Array(body) });
  const kept = ["location", "docker-content-digest", "oci-subject", "content-type", "docker-distribution-api-version"];
  return {
    digest: answer.status === 201 ? (answer.headers.get("docker-content-digest") ?? undefined) : undefined,
    answer: {
      status: answer.status,
      headers: Object.fromEntries([...answer.headers].filter(([key]) => kept.includes(key))),
      body: Buffer.from(await answer.arrayBuffer()),
    },
  };
}

async function sameContent({ digest }: StoredImage, body: Buffer): Promise<boolean> {
  const hash = Buffer.from(await crypto.subtle.digest("SHA-256", new Uint8Array(body))).toString("hex");
  return digest === `sha256:${hash}`;
}

/** Notes an image in its repository: the tag leaves whichever image had it. */
export function noteImage(
  world: World,
  { images }: ImageStore,
  { digest, tag, body, mediaType }: { digest: string; tag: string | undefined; body: Buffer; mediaType: string },
): void {
  const content = JSON.parse(body.toString()) as {
    config?: { size?: number; mediaType?: string };
    layers?: { size?: number }[];
    manifests?: { digest: string }[];
  };
  const parts = isIndex(mediaType) ? [] : [content.config, ...(content.layers ?? [])];
  const size = parts.reduce((sum, part) => sum + (part?.size ?? 0), body.length);
  const image: StoredImage = images.get(digest) ?? {
    digest,
    mediaType,
    artifactMediaType: content.config?.mediaType,
    size,
    pushedAt: world.clock(),
    tags: new Set<string>(),
    holds: content.manifests?.map((each) => each.digest) ?? [],
    lastPulledAt: undefined,
    status: "ACTIVE",
  };
  images.set(digest, image);
  if (tag === undefined) return;
  for (const other of images.values()) other.tags.delete(tag);
  image.tags.add(tag);
}

/** What is pushed while a rule matches is replicated; what was pushed before, by a backfill only. */
function queueReplicas(registry: PrivateRegistry, repository: string, digest: string, tag: string | undefined): void {
  for (const destination of destinationsOf(registry, repository)) {
    registry.pending.push({ repository, digest, tag, destination });
  }
}
