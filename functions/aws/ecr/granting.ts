import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { LeftOut } from "../../../core/schemas.ts";
import { type GrantSet, isAccountId } from "../grants/grant.ts";
import { principalsOf, writePolicy } from "../policy/write.ts";
import { type EcrContext, inEveryRegion, type RegionOutcome, refuseFailures } from "./context.ts";
import { type Edit, type Target, writeIn } from "./policies.ts";
import { findRefused, nameOf } from "./refused.ts";
import { notFound } from "./repositories.ts";

/**
 * Writes the grants into every policy that differs, or into none. Nothing is written before it is clear that each of them
 * fits. Where AWS then refuses somebody in any region, the others get what was granted before this edit, also where a
 * replica had fallen behind: whoever it let in meanwhile stays.
 *
 * @param before what was granted before this edit
 * @param named the principals that the caller named, as the caller wrote them
 * @returns why the edit was refused, when it was taken back: INVALID_INPUT for somebody whom the caller named;
 *   SERVICE_UNAVAILABLE (retryable) for roles alone, which may be new; RESOURCE_CONFLICT for somebody who was granted access before
 * @throws QUOTA_EXCEEDED; RESOURCE_NOT_FOUND or, for a replica, RESOURCE_CONFLICT where the repository was deleted meanwhile;
 *   and the refusal itself where it could not be taken back
 */
export async function grant(
  targets: readonly Target[],
  before: GrantSet,
  named: readonly string[],
  edit: Edit,
): Promise<ArtifactRegistryError | undefined> {
  const { context } = edit;
  const documents = targets.flatMap(({ region, policy, grants }) =>
    policy ? [{ region, policy, grants, written: writePolicy(policy, grants, context.place) }] : [],
  );
  const refusing = new Set<string>();
  // An account is known at once, or not at all.
  const patience = named.every((principal) => /^\d{12}$/.test(principal)) ? undefined : "patience";
  const outcomes = await inEveryRegion(documents, async ({ region, written }) => {
    const answer = await writeIn(region, written, edit, patience);
    if (answer === "refused") refusing.add(region);
    if (answer === "no repository") throw deletedMeanwhile(edit, region);
  });
  if (refusing.size === 0) {
    refuseFailures(outcomes, "The policy is as asked for");
    return undefined;
  }
  const changed = documents.filter(({ region, written }) => written.differs && !refusing.has(region));
  const restored = await inEveryRegion(changed, async ({ region, policy }) => {
    await writeIn(region, { ...writePolicy(policy, before, context.place), differs: true }, edit);
  });
  const refusal = await explain(
    documents.filter(({ region }) => refusing.has(region)),
    named,
    edit,
  );
  if (restored.some(({ error }) => error !== undefined)) throw halfDone(refusal, restored);
  return refusal;
}

/** Says whom AWS refuses, as exactly as it can be found out. */
async function explain(
  targets: readonly Required<Target>[],
  named: readonly string[],
  { context, call }: Edit,
): Promise<ArtifactRegistryError> {
  const found = await Promise.all(
    targets.map(async ({ region, policy, grants }): Promise<LeftOut[]> => {
      const principals = principalsOf(policy, grants, context.place);
      const refused = await findRefused(context, region, principals, call).catch(() => new Set<string>());
      return [...refused].map((principal) => ({ principal: nameOf(principal), region }));
    }),
  );
  const isNamed = ({ principal }: LeftOut) => named.includes(principal);
  const [theirs, others] = [found.flat().filter(isNamed), found.flat().filter((each) => !isNamed(each))];
  if (theirs.length === 0 && others.length > 0) return refusedBefore(others, context);
  const unknown = theirs.length > 0 ? theirs.map(({ principal }) => principal) : named;
  return refusedNow([...new Set(unknown)], theirs, context);
}

/** @param refused by which regions, if it is known */
function refusedNow(
  principals: readonly string[],
  refused: readonly LeftOut[],
  context: EcrContext,
): ArtifactRegistryError {
  const some = `${principals.slice(0, 5).join(", ")}${principals.length > 5 ? ", …" : ""}`;
  const which =
    principals.length === 1 ? "this principal" : refused.length > 0 ? "these principals" : "one of these principals";
  const message = `AWS does not know ${which}${where(refused, context)}: ${some}.`;
  // A role may be new, and an account is known at once or not at all.
  if (!principals.some(isAccountId)) {
    return new ArtifactRegistryError("SERVICE_UNAVAILABLE", message, {
      retryable: true,
      retryAfterSeconds: 15,
      hint: "IAM's propagation of a new role takes up to a minute: try again. If it stays so, the role does not exist. Nobody was granted anything.",
      context: { field: "access" },
    });
  }
  return new ArtifactRegistryError("INVALID_INPUT", message, {
    hint: "Create a role first; a new one is known some seconds later. An account must be open, and must have enabled the region. Nobody was granted anything.",
    context: { field: "access" },
  });
}

function refusedBefore(refused: readonly LeftOut[], context: EcrContext): ArtifactRegistryError {
  const principals = [...new Set(refused.map(({ principal }) => principal))].join(", ");
  return new ArtifactRegistryError(
    "RESOURCE_CONFLICT",
    `AWS refuses the policy because of ${principals}${where(refused, context)}, who is in it already.`,
    {
      hint: "The account was closed, or has not enabled that region, or the role is gone. Take that access away, with removeCrossAccountAccess or in the statement that somebody else wrote, then repeat the call. Nobody was granted anything.",
      context: { principals },
    },
  );
}

function where(refused: readonly LeftOut[], { place }: EcrContext): string {
  const regions = [...new Set(refused.map(({ region }) => region))].filter((region) => region !== place.region);
  return regions.length > 0 ? ` in ${regions.join(", ")}` : "";
}

/** What was granted elsewhere could not be taken back. */
function halfDone(refusal: ArtifactRegistryError, restored: readonly RegionOutcome[]): ArtifactRegistryError {
  const regions = restored.filter(({ error }) => error !== undefined).map(({ region }) => region);
  const { code, message, context } = refusal;
  return new ArtifactRegistryError(code, `${message} In ${regions.join(", ")} the access may have been granted.`, {
    hint: "removeCrossAccountAccess takes it away there.",
    ...(context && { context }),
    cause: restored.find(({ error }) => error !== undefined)?.error,
  });
}

function deletedMeanwhile({ context, name }: Edit, region: string): ArtifactRegistryError {
  if (region === context.place.region) return notFound(context, name);
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `The replica in ${region} was deleted during the edit.`, {
    retryable: true,
  });
}
