import { DescribeRepositoriesCommand, ListImagesCommand, type Repository } from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { type EcrContext, ecr } from "../ecr/context.ts";
import { ecrGrammar, ownershipTagKey } from "../names.ts";
import { findOwnRepository, ownerOf } from "./own-repository.ts";

export interface Found {
  readonly name: string;
  readonly arn: string;
  /** What createRepository gives a repository beside its name, comparable between regions. */
  readonly settings: string;
}

/** Lists all repositories of the account in a region whose names begin with the prefix, whoever they belong to. */
export async function withPrefix(context: EcrContext, prefix: string, region: string, call: Call): Promise<Found[]> {
  const found: Found[] = [];
  let nextToken: string | undefined;
  do {
    const page = await ecr(
      context,
      call,
      "DescribeRepositories",
      (client, options) =>
        client.send(new DescribeRepositoriesCommand({ maxResults: 1_000, ...(nextToken && { nextToken }) }), options),
      { region },
    );
    for (const repository of page.repositories ?? []) {
      const { repositoryName: name, repositoryArn: arn } = repository;
      if (name?.startsWith(prefix) && arn !== undefined) found.push({ name, arn, settings: settingsOf(repository) });
    }
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return found;
}

/** Keys are regional, so the kind of encryption counts, and not the key. */
function settingsOf({
  imageTagMutability,
  imageTagMutabilityExclusionFilters: exclusions = [],
  imageScanningConfiguration,
  encryptionConfiguration,
}: Repository): string {
  return JSON.stringify([
    imageTagMutability,
    exclusions.map(({ filter }) => filter).sort(),
    imageScanningConfiguration?.scanOnPush ?? false,
    encryptionConfiguration?.encryptionType,
  ]);
}

/** Whether a repository belongs to the registry: `{prefix}-…`. */
export function isInside(name: string, prefix: string): boolean {
  return name.startsWith(`${prefix}-`);
}

export async function holdsImages(context: EcrContext, name: string, call: Call): Promise<boolean> {
  const found = await ecr(
    context,
    call,
    "ListImages",
    (client, options) => client.send(new ListImagesCommand({ repositoryName: name, maxResults: 1 }), options),
    { instead: { RepositoryNotFoundException: "absent" } },
  );
  return found !== "absent" && (found.imageIds ?? []).length > 0;
}

/**
 * Refuses a prefix that overlaps with another registry's: one of the two extends the other, as `images-dev` extends `images`.
 * We know the other registries by the tags of their own repositories.
 *
 * @throws RESOURCE_CONFLICT
 */
export async function refuseOverlappingRegistries(
  context: EcrContext,
  all: readonly Found[],
  call: Call,
): Promise<void> {
  const { repositoryPrefix: prefix } = context.binding;
  const refuse = (name: string) => {
    throw new ArtifactRegistryError("RESOURCE_CONFLICT", `The registry "${name}" overlaps with "${prefix}".`, {
      hint: `No registry's prefix may extend another's by - or /. The other registry is known by its tag ${ownershipTagKey}. Nothing was changed.`,
    });
  };
  const shorter = [...prefix.matchAll(/[-/]/g)].map(({ index }) => prefix.slice(0, index));
  // What stands before the second of two separators in a row is no legal name, so no registry can have it as its prefix.
  for (const name of shorter.filter((each) => each.length >= 2 && ecrGrammar.pattern.test(each))) {
    if ((await findOwnRepository(context, call, name))?.owner === name) refuse(name);
  }
  const longer = all.filter(({ name }) => isInside(name, prefix) || name.startsWith(`${prefix}/`));
  await inTurns(longer, async ({ name, arn }) => {
    if ((await ownerOf(context, arn, call)) === name) refuse(name);
  });
}

/**
 * Refuses a region in which a registry with the same prefix has its home, because replication would overwrite its
 * repositories. This also shows whether the region can be reached, before anything depends on it.
 *
 * @throws RESOURCE_CONFLICT, or the error that a region answers in which the account is not enabled
 */
export async function refuseOtherHome(context: EcrContext, region: string, call: Call): Promise<void> {
  const { repositoryPrefix: prefix } = context.binding;
  const { owner, replicaOf } = (await findOwnRepository(context, call, prefix, region)) ?? {};
  const otherHome = owner === undefined ? replicaOf : region;
  if (otherHome === undefined || otherHome === context.place.region) return;
  throw new ArtifactRegistryError("RESOURCE_CONFLICT", `A registry "${prefix}" has its home in ${otherHome}.`, {
    hint: "Choose another prefix or another region: its repositories would be overwritten. Nothing was changed.",
  });
}

/**
 * Refuses a prefix whose repositories another registry's rule would replicate: the filter `images` matches `images2-app` too.
 *
 * @param filters of the account's replication rules, those that match our prefix
 * @throws RESOURCE_CONFLICT naming the registry
 */
export async function refuseReplicatingRegistries(
  context: EcrContext,
  filters: readonly string[],
  call: Call,
): Promise<void> {
  const { repositoryPrefix: prefix } = context.binding;
  for (const name of filters.filter((each) => ecrGrammar.pattern.test(each))) {
    if ((await findOwnRepository(context, call, name))?.owner !== name) continue;
    throw new ArtifactRegistryError(
      "RESOURCE_CONFLICT",
      `The registry "${name}" would also replicate the repositories of "${prefix}".`,
      { hint: "ECR filters by prefix only. Choose a prefix that does not begin like that one. Nothing was changed." },
    );
  }
}

/** The repositories that our replication rule would match although they are not ours. ECR can filter by prefix only. */
export function foreignMatches(all: readonly Found[], prefix: string): string[] {
  return all.map(({ name }) => name).filter((name) => name !== prefix && !isInside(name, prefix));
}

/** @throws RESOURCE_CONFLICT naming what replication would match although it is not ours */
export function refuseForeignMatches(all: readonly Found[], prefix: string): void {
  const foreign = foreignMatches(all, prefix);
  if (foreign.length === 0) return;
  throw new ArtifactRegistryError(
    "RESOURCE_CONFLICT",
    `Replication by the prefix "${prefix}" would also replicate ${listSome(foreign)}, which this registry does not own.`,
    { hint: "Rename those repositories, or choose another prefix. Nothing was changed." },
  );
}

/** The first few names in quotation marks, and how many more there are. */
export function listSome(names: readonly string[]): string {
  const few = names.slice(0, 5).map((name) => `"${name}"`);
  return names.length > few.length ? `${few.join(", ")} and ${names.length - few.length} more` : few.join(", ");
}

/** How many repositories we work on at the same time. */
const width = 10;

/**
 * Works on all of them, a few at a time. After the first failure it begins no other, and waits for those that have begun.
 *
 * @param onFailure `go on` begins the others too, until the call itself is over
 * @throws what the first failure threw
 */
export async function inTurns<T>(
  all: readonly T[],
  work: (each: T) => Promise<void>,
  onFailure: "stop" | "go on" = "stop",
): Promise<void> {
  const waiting = [...all];
  const failures: unknown[] = [];
  const worker = async () => {
    const isOver = () => failures.length > 0 && onFailure === "stop";
    for (let next = waiting.shift(); next !== undefined && !isOver(); next = waiting.shift()) {
      await work(next).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, all.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
