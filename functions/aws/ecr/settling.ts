import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { LeftOut } from "../../../core/schemas.ts";
import { withoutConsumers } from "../grants/changes.ts";
import { byName, type GrantSet, grantSet, grantsOf, noGrants } from "../grants/grant.ts";
import { principalsOf, writePolicy } from "../policy/write.ts";
import { inEveryRegion, type RegionOutcome, refuseFailures } from "./context.ts";
import { type Edit, type Target, type Written, writeIn } from "./policies.ts";
import { findRefused, nameOf } from "./refused.ts";

/** What stands in one region after a revocation. */
interface Settled {
  readonly grants: GrantSet;
  readonly leftOut: readonly LeftOut[];
  /** Why more was taken away than was asked for. */
  readonly failure?: ArtifactRegistryError;
  /** Why it could not be found out whom AWS refuses: `leftOut` then has everybody who is missing there. */
  readonly unsure?: unknown;
}

/** What stands after a revocation, in all regions. */
export interface Settlement {
  /** By region, where there is a repository. */
  readonly grants: ReadonlyMap<string, GrantSet>;
  readonly leftOut: readonly LeftOut[];
  readonly failure?: ArtifactRegistryError | undefined;
  /** Why in some region more may be missing than AWS refuses. What was taken away is taken away. */
  readonly unsure?: unknown;
}

/**
 * Writes the grants into every policy that differs, whatever AWS refuses and whatever is wrong with another region: what
 * is taken away is taken away. Whoever AWS refuses is left out, and named.
 *
 * @param failed regions that failed before
 * @throws what failed in any region, when all others are settled
 */
export async function settle(
  targets: readonly Target[],
  edit: Edit,
  failed: readonly RegionOutcome[] = [],
): Promise<Settlement> {
  const settled = new Map<string, Settled>();
  // A replica that does not exist yet gets its policy by the event of its replication.
  const outcomes = await inEveryRegion(targets, async (target) => {
    if (target.policy) settled.set(target.region, await settleIn({ ...target, policy: target.policy }, edit));
  });
  refuseFailures([...outcomes, ...failed], "The policy is as asked for");
  const all = [...settled.values()];
  return {
    grants: new Map([...settled].map(([region, { grants }]) => [region, grants])),
    leftOut: all.flatMap(({ leftOut }) => leftOut),
    failure: all.find(({ failure }) => failure !== undefined)?.failure,
    unsure: all.find(({ unsure }) => unsure !== undefined)?.unsure,
  };
}

/** How often it is found out anew whom AWS refuses, if it refuses the policy without them too. */
const rounds = 3;

/**
 * Settles one region: as wanted; else, at once, as what stands and is wanted; then as wanted without whoever AWS refuses.
 * No policy that is tried lacks anybody who stands there, is wanted and is not refused.
 */
async function settleIn(target: Required<Target>, edit: Edit): Promise<Settled> {
  const { region, policy, grants } = target;
  const { context, call } = edit;
  let touched = false;
  const write = async (wanted: GrantSet, refused?: ReadonlySet<string>): Promise<Written> => {
    const written = writePolicy(policy, wanted, context.place, refused);
    const answer = await writeIn(region, { ...written, differs: written.differs || touched }, edit);
    touched ||= written.differs && answer === "written";
    return answer;
  };
  const named = (principals: Iterable<string>) => [...principals].map((each) => ({ principal: nameOf(each), region }));
  // Whoever can pull from nowhere has lost the access that was to be revoked.
  const isDone = (answer: Written) => answer !== "refused";

  let tooLong: unknown;
  try {
    if (isDone(await write(grants))) return { grants, leftOut: [] };
  } catch (error) {
    if (!(error instanceof ArtifactRegistryError && error.code === "QUOTA_EXCEEDED")) throw error;
    tooLong = error;
  }
  const secured = common(policy, grants);
  const isSecured = isDone(await write(secured));
  // What is wanted does not fit, but the revoked one is out.
  if (isSecured && tooLong !== undefined) throw tooLong;
  let unsure: unknown = stillRefused(region);
  try {
    for (let round = 1; round <= rounds; round++) {
      const refused = await findRefused(context, region, principalsOf(policy, grants, context.place), call);
      const leftOut = named(refused);
      const left = withoutConsumers(
        grants,
        leftOut.map(({ principal }) => principal),
      );
      if (!isDone(await write(left, refused))) continue;
      return { grants: left, leftOut };
    }
  } catch (error) {
    if (call.signal.aborted && !isSecured) throw error;
    unsure = error;
  }
  if (isSecured) {
    const stay = principalsOf(policy, secured, context.place);
    const missing = principalsOf(policy, grants, context.place).filter((principal) => !stay.includes(principal));
    return { grants: secured, leftOut: named(missing), unsure };
  }
  // Better that others lose what can be granted again than that the revoked one goes on pulling.
  const theirs = principalsOf(policy, noGrants, context.place);
  for (const refused of [[], ...theirs.map((principal) => [principal])]) {
    if (!isDone(await write(noGrants, new Set(refused)))) continue;
    return { grants: noGrants, leftOut: [], failure: tookAll(region, edit.name) };
  }
  throw stillOpen(region);
}

/** What stands, and is wanted. */
function common({ own, adopted }: Required<Target>["policy"], wanted: GrantSet): GrantSet {
  const names = byName(grantsOf(wanted));
  return grantSet([...byName([...own, ...adopted])].filter(([name]) => names.has(name)).map(([, each]) => each));
}

function tookAll(region: string, name: string): ArtifactRegistryError {
  return new ArtifactRegistryError(
    "RESOURCE_CONFLICT",
    `AWS refuses the policy of "${name}" in ${region}, and it could not be found out because of whom. All access that this suite granted was taken away there.`,
    { hint: "Grant again who shall have access. Whom AWS refuses is named then.", context: { region } },
  );
}

function stillRefused(region: string): ArtifactRegistryError {
  return new ArtifactRegistryError(
    "RESOURCE_CONFLICT",
    `AWS refuses the policy in ${region} also without those whom it was found to refuse.`,
    { retryable: true, context: { region } },
  );
}

function stillOpen(region: string): ArtifactRegistryError {
  return new ArtifactRegistryError(
    "RESOURCE_CONFLICT",
    `AWS refuses every policy in ${region} that takes the access away.`,
    {
      hint: "Somebody whom AWS refuses stands in statements that others wrote. Take them out in ECR, then repeat the call. The access is still open.",
      context: { region },
    },
  );
}
