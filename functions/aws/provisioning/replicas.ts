import { isDeepStrictEqual } from "node:util";
import { DescribeImagesCommand, type ImageDetail, StartReplicationBackfillCommand } from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { lookFor } from "../../../core/health.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { Backfill, Health } from "../../../core/schemas.ts";
import { type EcrContext, ecr } from "../ecr/context.ts";
import { probeName } from "../ecr/refused.ts";
import { createIn, readLifecycle } from "../ecr/repositories.ts";
import { regionsIn } from "../lease/registry.ts";
import { askIdentity } from "../sdk.ts";
import { createOwnReplica } from "./own-repository.ts";
import { readReplication } from "./replication.ts";
import { type Found, inTurns, isInside, listSome, withPrefix } from "./repositories.ts";
import type { Site } from "./site.ts";

/** The images of a repository in one region. */
async function imagesIn(
  region: string,
  context: EcrContext,
  repositoryName: string,
  call: Call,
): Promise<ImageDetail[]> {
  const found: ImageDetail[] = [];
  let nextToken: string | undefined;
  do {
    const input = { repositoryName, maxResults: 1_000, ...(nextToken && { nextToken }) };
    const page = await ecr(
      context,
      call,
      "DescribeImages",
      (client, options) => client.send(new DescribeImagesCommand(input), options),
      { region, instead: { RepositoryNotFoundException: "absent" } },
    );
    if (page === "absent") return [];
    found.push(...(page.imageDetails ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return found;
}

/** The images of a repository at home that one region lacks. */
async function lackedIn(
  region: string,
  context: EcrContext,
  name: string,
  atHome: readonly ImageDetail[],
  call: Call,
): Promise<ImageDetail[]> {
  if (atHome.length === 0) return [];
  const there = new Set((await imagesIn(region, context, name, call)).map(({ imageDigest }) => imageDigest));
  return atHome.filter(({ imageDigest }) => !there.has(imageDigest));
}

const sizeOf = (images: readonly ImageDetail[]) => images.reduce((sum, each) => sum + (each.imageSizeInBytes ?? 0), 0);

/** The repositories that replicas are of: the registry's own, and those inside. */
export function replicatedOf(all: readonly Found[], prefix: string): Found[] {
  return all.filter(({ name }) => name === prefix || (isInside(name, prefix) && name !== probeName(prefix)));
}

/** How many of a registry's repositories are looked at image by image, and how old an image is that must have been replicated. */
const looks = { repositories: 100, replicatedMs: 60 * 60_000 };

/**
 * Finds what replicas have otherwise than home: repositories that are missing, their settings, their lifecycle policies, and images
 * that were pushed before they were replicated. An error in one region is a finding, too.
 */
export async function replicaDrift(
  context: EcrContext,
  regions: readonly string[],
  atHome: readonly Found[],
  call: Call,
): Promise<Health["findings"]> {
  const { binding, place } = context;
  const looked = atHome.slice(0, looks.repositories);
  const seen = new Map<string, { readonly images: readonly ImageDetail[]; readonly lifecycle: string | undefined }>();
  const before = call.now().getTime() - looks.replicatedMs;
  const { findings } = await lookFor(async () => {
    await inTurns(looked, async ({ name }) => {
      const [images, lifecycle] = await Promise.all([
        imagesIn(place.region, context, name, call),
        readLifecycle(context, name, call, { region: place.region }),
      ]);
      const old = images.filter(({ imagePushedAt }) => (imagePushedAt?.getTime() ?? 0) < before);
      seen.set(name, { images: old, lifecycle });
    });
    return [];
  });

  const lookAt = async (region: string): Promise<Health["findings"]> => {
    const all = await withPrefix(context, binding.repositoryPrefix, region, call);
    const replicas = new Map(all.map((each) => [each.name, each]));
    const otherLifecycle: string[] = [];
    const lacking: [name: string, images: readonly ImageDetail[]][] = [];
    await inTurns([...seen], async ([name, { images, lifecycle }]) => {
      const lacked = replicas.has(name) ? await lackedIn(region, context, name, images, call) : images;
      if (lacked.length > 0) lacking.push([name, lacked]);
      if (!replicas.has(name)) return;
      const there = await readLifecycle(context, name, call, { region });
      if (!isSameJson(there, lifecycle)) otherLifecycle.push(name);
    });
    const missing = atHome.filter(({ name }) => !replicas.has(name)).map(({ name }) => name);
    const different = atHome.filter(({ name, settings }) => (replicas.get(name)?.settings ?? settings) !== settings);
    const lacked = lacking.flatMap(([, images]) => images);
    const told = (names: readonly string[]) => listSome([...names].sort());
    return [
      ...finding(missing, () => ({
        message: `${region} lacks ${told(missing)}.`,
        hint: "Call createRepository for them again; provisionRegistry makes the one under the bare prefix.",
      })),
      ...finding(different, () => ({
        message: `${told(different.map(({ name }) => name))} in ${region} has other settings than at home.`,
        hint: "ECR made it when an image came first. Change its settings, or delete it there and call createRepository.",
      })),
      ...finding(otherLifecycle, () => ({
        message: `${told(otherLifecycle)} in ${region} has another lifecycle policy than at home.`,
        hint: "Put the policy of home there, or delete the replica and call createRepository.",
      })),
      ...finding(lacked, () => ({
        message: `${region} lacks ${lacked.length} older image${lacked.length === 1 ? "" : "s"} (${sizeOf(lacked)} bytes) of ${told(lacking.map(([name]) => name))}.`,
        hint: "ECR replicates what is pushed after the rule. provisionRegistry with backfill: true copies the others; AWS bills the transfer.",
      })),
    ];
  };
  const ofRegions = await Promise.all(regions.map(async (region) => (await lookFor(() => lookAt(region))).findings));
  return [...findings, ...ofRegions.flat()];
}

function finding<T>(found: readonly T[], tell: () => Health["findings"][number]): Health["findings"] {
  return found.length === 0 ? [] : [tell()];
}

/** Whether two lifecycle policies are the same but for white space and the order of members. */
function isSameJson(one: string | undefined, other: string | undefined): boolean {
  if (one === other) return true;
  try {
    return one !== undefined && other !== undefined && isDeepStrictEqual(JSON.parse(one), JSON.parse(other));
  } catch {
    return false;
  }
}

/**
 * Copies to each replica region the images that it lacks. Repositories that are missing there are made first, with the binding's
 * defaults: ECR would make them with settings of its own. AWS runs one backfill for a region and ten in all.
 *
 * @returns what each region lacked; a region that lacked nothing is left alone
 * @throws where a repository cannot be made, or its images cannot be counted; nothing has been started then
 */
export async function backfill(site: Site, call: Call): Promise<Backfill[]> {
  const { context, leases } = site;
  const { binding, place } = context;
  const { repositoryPrefix: prefix } = binding;
  const regions = [...regionsIn(await leases.registry.read(call), "here", "filling")].sort();
  if (regions.length === 0) return [];
  const [{ account }, { rules }, all] = await Promise.all([
    askIdentity(context.clients, call),
    readReplication(context, call),
    withPrefix(context, prefix, place.region, call),
  ]);
  const lacked = new Map(regions.map((region) => [region, [] as ImageDetail[]]));
  await inTurns(replicatedOf(all, prefix), async ({ name }) => {
    const images = await imagesIn(place.region, context, name, call);
    if (images.length === 0) return;
    await Promise.all(
      regions.map(async (region) => {
        await (name === prefix
          ? createOwnReplica(region, context, call)
          : createIn(region, context, name as RoutableName, call));
        lacked.get(region)?.push(...(await lackedIn(region, context, name, images, call)));
      }),
    );
  });

  const answers: Backfill[] = [];
  for (const [region, images] of lacked) {
    const to = rules.filter(({ destinations }) =>
      destinations.some((each) => each.region === region && each.registryId === account),
    );
    const filters = to.flatMap(({ repositoryFilters = [] }) =>
      repositoryFilters.length === 0 ? ["*"] : repositoryFilters.map(({ filter }) => filter),
    );
    const others = [...new Set(filters)].filter((filter) => filter !== prefix).sort();
    const state = images.length === 0 ? "complete" : await startIn(region, context, account, call);
    answers.push({
      region,
      images: images.length,
      sizeBytes: sizeOf(images),
      state,
      ...(others.length > 0 && state !== "complete" && { others }),
    });
  }
  return answers;
}

async function startIn(
  region: string,
  context: EcrContext,
  registryId: string,
  call: Call,
): Promise<"started" | "running" | "waiting"> {
  const command = new StartReplicationBackfillCommand({ destination: { region, registryId } });
  const answer = await ecr(
    context,
    call,
    "StartReplicationBackfill",
    (client, options) => client.send(command, options),
    {
      instead: { ReplicationBackfillInProgressException: "running", LimitExceededException: "waiting" },
      needs: "ecr:StartReplicationBackfill on *",
    },
  );
  return typeof answer === "string" ? answer : "started";
}
