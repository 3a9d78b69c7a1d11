import { isIndex } from "../../../../oci/client/index.ts";
import { addRepository, type PrivateRegistry, type Replica } from "../ecr/state.ts";
import { type EmulatorEvent, eventOf } from "../events.ts";
import type { World } from "../world.ts";
import type { Backing } from "./backing.ts";
import { noteImage } from "./push.ts";

/**
 * Copies what is pending in a registry to where its rules say. A repository that is missing there is made, without the
 * policy and the tags of its original. Returns the events that EventBridge would deliver in the destination.
 */
export async function replicateFrom(
  world: World,
  source: PrivateRegistry,
  backingOf: (registry: PrivateRegistry) => Promise<Backing>,
): Promise<EmulatorEvent[]> {
  const events: EmulatorEvent[] = [];
  for (const replica of source.pending.splice(0)) {
    const destination = world.registry(replica.destination.registryId, replica.destination.region);
    // Into another account only its registry policy could let us, and none is emulated.
    // What was deleted meanwhile is not copied.
    const isThere = source.repositories.get(replica.repository)?.images.has(replica.digest) === true;
    const reachable = destination.account === source.account && isThere;
    if (reachable) await copy(world, source, destination, replica, backingOf);
    events.push(eventFor(world, source, destination, replica, reachable));
  }
  for (const backfill of source.backfills) backfill.status = "COMPLETE";
  world.events.push(...events);
  return events;
}

async function copy(
  world: World,
  source: PrivateRegistry,
  destination: PrivateRegistry,
  { repository: name, digest, tag }: Replica,
  backingOf: (registry: PrivateRegistry) => Promise<Backing>,
): Promise<void> {
  const repository = destination.repositories.get(name) ?? addRepository(destination, name, world.clock());
  const [from, to] = [(await backingOf(source)).client(name), (await backingOf(destination)).client(name)];
  const manifest = await from.pullManifest(name, digest);
  const body = Buffer.from(manifest.bytes);
  if (!isIndex(manifest.mediaType)) {
    const content = JSON.parse(body.toString()) as { config?: { digest: string }; layers?: { digest: string }[] };
    for (const blob of [content.config, ...(content.layers ?? [])]) {
      if (blob === undefined || (await to.headBlob(name, blob.digest)) !== undefined) continue;
      await to.pushBlob(name, { digest: blob.digest, body: await from.readBlob(name, blob.digest) });
    }
  }
  await to.pushManifest(name, tag ?? digest, manifest);
  noteImage(world, repository, { digest, tag, body, mediaType: manifest.mediaType });
}

function eventFor(
  world: World,
  source: PrivateRegistry,
  destination: PrivateRegistry,
  { repository, digest, tag }: Replica,
  success: boolean,
): EmulatorEvent {
  const { account, region, partition } = destination;
  const resources = [`arn:${partition}:ecr:${region}:${account}:repository/${repository}`];
  return eventOf(
    "ECR Replication Action",
    { account, region, time: world.clock(), resources },
    {
      result: success ? "SUCCESS" : "FAILED",
      "repository-name": repository,
      "image-digest": digest,
      "image-tag": tag,
      "source-account": source.account,
      "action-type": "REPLICATE",
      "source-region": source.region,
    },
  );
}
