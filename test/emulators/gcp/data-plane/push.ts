import type { IncomingMessage, ServerResponse } from "node:http";
import { digestOf } from "../../../../oci/client/index.ts";
import type { Backing } from "../../aws/data-plane/backing.ts";
import { RegistryRefusal } from "../../aws/data-plane/refusals.ts";
import type { Repository } from "../artifact-registry/repository.ts";
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
    const now = world.clock();
    const known = repository.packages.get(path) ?? { path, createTime: now, updateTime: now };
    known.updateTime = now;
    repository.packages.set(path, known);
  }
  res.writeHead(answer.status, Object.fromEntries([...answer.headers].filter(([key]) => KEPT.includes(key))));
  res.end(bytes);
}

async function refuseOverwriting({ backing, name, reference, body }: Push): Promise<void> {
  const taken = await backing.client(name).headManifest(name, reference);
  if (taken === undefined || taken.digest === digestOf(body)) return;
  const message = `cannot update tag ${reference}. The repository has enabled tag immutability`;
  throw new RegistryRefusal(400, "MANIFEST_INVALID", message);
}
