import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { LeftOut } from "../../../core/schemas.ts";
import { NotYet, untilReady } from "../../../core/until-ready.ts";
import { type GrantSet, isAccountId } from "../grants/grant.ts";
import { principalsOf, writePolicy } from "../policy/write.ts";
import type { Clients } from "../sdk.ts";
import { spreading } from "../session.ts";
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
 * @returns why the edit was refused, when it was taken back: INVALID_INPUT for somebody whom the caller named; RESOURCE_CONFLICT for
 *   roles alone, which may be new (retryable, `Unseen`), and for somebody who was granted access before
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
  const outcomes = await inEveryRegion(documents, async ({ region, written }) => {
    const answer = await writeIn(region, written, edit);
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
      // A role cannot be new in an account that AWS does not know there.
      const asked = new Set([...principals, ...principals.filter((each) => named.includes(each)).map(rootOf)]);
      const refused = await findRefused(context, region, [...asked], call).catch(() => new Set<string>());
      return [...refused].map((principal) => ({ principal: nameOf(principal), region }));
    }),
  );
  const all = found.flat();
  const standing = new Set(
    targets.flatMap(({ policy, grants }) => principalsOf(policy, grants, context.place).map(nameOf)),
  );
  const theirs = all.filter(({ principal }) => named.includes(principal));
  const others = all.filter(({ principal }) => !named.includes(principal) && standing.has(principal));
  if (theirs.length === 0 && others.length > 0) return refusedBefore(others, context);
  const unknown = [...new Set(theirs.length > 0 ? theirs.map(({ principal }) => principal) : named)];
  const isLasting = ({ principal, region }: LeftOut) =>
    all.some((each) => each.region === region && each.principal === nameOf(rootOf(principal)));
  const mayBeNew = !unknown.some(isAccountId) && !theirs.some(isLasting);
  return refusedNow(unknown, theirs, context, mayBeNew && isFresh(unknown, context.clients, call.now().getTime()));
}

/** The root of a role's account; whatever else is no role stands for itself. */
function rootOf(principal: string): string {
  return principal.replace(/^(arn:[^:]+:iam::\d{12}:)role\/.*$/, "$1root");
}

/** Since when AWS has refused a principal that may be new, and when it last did, in milliseconds. */
const refusals = new WeakMap<Clients, Map<string, { readonly since: number; readonly last: number }>>();

/** Whether somebody of them has been refused for less time than IAM needs to tell of a new role. A pause as long begins it anew. */
function isFresh(principals: readonly string[], clients: Clients, now: number): boolean {
  const known = refusals.get(clients) ?? new Map<string, { since: number; last: number }>();
  refusals.set(clients, known);
  for (const [principal, { last }] of known) if (now - last > spreading.mostMs) known.delete(principal);
  const since = principals.map((principal) => {
    const first = known.get(principal)?.since ?? now;
    known.set(principal, { since: first, last: now });
    return first;
  });
  return now - Math.max(...since) < spreading.mostMs;
}

const propagation = "IAM's propagation of a new role takes up to a minute: try again.";

/** AWS refuses a role that it may see a little later. */
class Unseen extends ArtifactRegistryError {}

/**
 * Repeats an edit for as long as AWS refuses it because of a role that may be new: until the call's time is over, or the role has been
 * refused for longer than IAM needs. No lease is held in between, so that nobody's access waits for it to be taken away.
 *
 * @throws RESOURCE_CONFLICT or TIMEOUT (retryable, with a hint that names propagation) when the time is over first
 */
export async function onceSeen(edit: () => Promise<unknown>, call: Call): Promise<void> {
  let refused = false;
  const attempt = async () => {
    try {
      await edit();
    } catch (error) {
      refused ||= error instanceof Unseen;
      if (error instanceof Unseen) throw new NotYet(error);
      if (!refused || !(error instanceof ArtifactRegistryError && error.code === "TIMEOUT")) throw error;
      const { message, hint = "", cause } = error;
      throw new ArtifactRegistryError("TIMEOUT", message, {
        retryable: true,
        retryAfterSeconds: spreading.retryAfterSeconds,
        hint: `${hint} ${propagation}`.trim(),
        cause,
      });
    }
  };
  await untilReady(attempt, call.signal, spreading);
}

/**
 * @param refused by which regions, if it is known
 * @param mayBeNew whether AWS may know them a little later
 */
function refusedNow(
  principals: readonly string[],
  refused: readonly LeftOut[],
  context: EcrContext,
  mayBeNew: boolean,
): ArtifactRegistryError {
  const some = `${principals.slice(0, 5).join(", ")}${principals.length > 5 ? ", …" : ""}`;
  const which =
    principals.length === 1 ? "this principal" : refused.length > 0 ? "these principals" : "one of these principals";
  const message = `AWS does not know ${which}${where(refused, context)}: ${some}.`;
  if (mayBeNew) {
    // Not an outage: alarms ring for those, and the caller may have written a role that never was.
    return new Unseen("RESOURCE_CONFLICT", message, {
      retryable: true,
      retryAfterSeconds: spreading.retryAfterSeconds,
      hint: `${propagation} If it stays so, the role does not exist. Nobody was granted anything.`,
      context: { field: "access" },
    });
  }
  return new ArtifactRegistryError("INVALID_INPUT", message, {
    hint: "A role must exist; a new one is known after up to a minute. An account must be open, and must have enabled the region. Nobody was granted anything.",
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
