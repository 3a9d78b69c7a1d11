import { DescribeRepositoriesCommand, ListImagesCommand } from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { clearReplicas } from "../ecr/access.ts";
import { type EcrContext, ecr } from "../ecr/context.ts";
import { ecrGrammar, ownershipTagKey } from "../names.ts";
import { findOwnRepository, ownerOf } from "./own-repository.ts";
import type { Site } from "./site.ts";

export interface Found {
  readonly name: string;
  readonly arn: string;
}

/** All repositories of the account in a region whose names begin with the prefix, whosever they are. */
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
    for (const { repositoryName: name, repositoryArn: arn } of page.repositories ?? []) {
      if (name?.startsWith(prefix) && arn !== undefined) found.push({ name, arn });
    }
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return found;
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
 * Refuses a prefix that another registry's would overlap with: one that extends it (`images-dev` beside `images`), or one
 * that it extends. The tags of the registries' own repositories tell.
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
      hint: `No registry's prefix may extend another's by - or /. It is known by its tag ${ownershipTagKey}. Nothing was changed.`,
    });
  };
  const shorter = [...prefix.matchAll(/[-/]/g)].map(({ index }) => prefix.slice(0, index));
  // Before the second of two separators stands no repository's name.
  for (const name of shorter.filter((each) => each.length >= 2 && ecrGrammar.pattern.test(each))) {
    if ((await findOwnRepository(context, call, name))?.owner === name) refuse(name);
  }
  const longer = all.filter(({ name }) => isInside(name, prefix) || name.startsWith(`${prefix}/`));
  await inTurns(longer, async ({ name, arn }) => {
    if ((await ownerOf(context, arn, call)) === name) refuse(name);
  });
}

/**
 * Refuses a region in which a registry of the same prefix has its home: its repositories would be overwritten. Also tells
 * whether the region can be reached at all, before anything depends on it.
 *
 * @throws RESOURCE_CONFLICT; what a region that is not enabled answers
 */
export async function refuseOtherHome(context: EcrContext, region: string, call: Call): Promise<void> {
  const { repositoryPrefix: prefix } = context.binding;
  const there = await findOwnRepository(context, call, prefix, region);
  if (there?.owner === undefined) return;
  throw new ArtifactRegistryError("RESOURCE_CONFLICT", `A registry "${prefix}" has its home in ${region}.`, {
    hint: "Choose another prefix or another region: its repositories would be overwritten. Nothing was changed.",
  });
}

/**
 * Refuses replication whose filter would also take repositories that are not ours: ECR knows prefixes only.
 *
 * @throws RESOURCE_CONFLICT naming one of them
 */
export function refuseForeignMatches(all: readonly Found[], prefix: string): void {
  const foreign = all.find(({ name }) => name !== prefix && !isInside(name, prefix))?.name;
  if (foreign === undefined) return;
  throw new ArtifactRegistryError(
    "RESOURCE_CONFLICT",
    `Replication by the prefix "${prefix}" would also replicate "${foreign}", which is not this registry's.`,
    { hint: "Rename that repository, or choose another prefix. Nothing was changed." },
  );
}

/**
 * Takes our grants away from everything of the registry in regions that leave it. Each name is leased once, for all its
 * regions: a lease whose write was not answered is not given back at once.
 *
 * @param spared names that are left alone
 */
export async function clearRegions(
  { context, leases }: Site,
  regions: readonly string[],
  call: Call,
  spared: readonly string[] = [],
): Promise<void> {
  const { repositoryPrefix: prefix } = context.binding;
  const regionsOf = new Map<string, string[]>();
  for (const region of regions) {
    for (const { name } of await withPrefix(context, prefix, region, call)) {
      const ours = name === prefix || isInside(name, prefix);
      if (ours && !spared.includes(name)) regionsOf.set(name, [...(regionsOf.get(name) ?? []), region]);
    }
  }
  await inTurns([...regionsOf], ([name, where]) => clearReplicas(context, leases, name as RoutableName, where, call));
}

/** How many repositories are worked on at once. */
const width = 10;

/**
 * Works on all of them, some at a time. When one fails no other is begun, and those that were begun are waited for.
 *
 * @throws what the first failure threw
 */
export async function inTurns<T>(all: readonly T[], work: (each: T) => Promise<void>): Promise<void> {
  const waiting = [...all];
  const failures: unknown[] = [];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined && failures.length === 0; next = waiting.shift()) {
      await work(next).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, all.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
