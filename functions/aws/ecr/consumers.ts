import { DescribeRepositoriesCommand } from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { staleCursor } from "../../../core/pages.ts";
import type { Consumer, ConsumerRemoval, CrossAccountControl, Page, PageRequest } from "../../../core/registry.ts";
import type { GranteeAccess } from "../../../core/registry-schemas.ts";
import { type AwsConsumer, endConsumer, grantsTo, planToEnd } from "../grants/changes.ts";
import { toPermissions } from "../grants/forms.ts";
import { type GrantSet, grantSet, grantsOf } from "../grants/grant.ts";
import { busy } from "../lease/lease.ts";
import { withEnd } from "../lease/registry.ts";
import { editGrants } from "./access.ts";
import { type ContextFor, type EcrContext, ecr, type PolicyLeases } from "./context.ts";
import { describePage, type IsOurs } from "./listing.ts";
import { type RegionPolicy, readPolicyIn, toldOf } from "./policies.ts";
import { everyReplicaOf } from "./regions.ts";

/** What one consumer may pull, and its end: repository by repository, since ECR has no index of policies. */
export function createConsumers(
  contextFor: ContextFor,
  leases: PolicyLeases,
  isOurs: IsOurs,
): Required<Pick<CrossAccountControl, "listOf" | "removeAll">> {
  return {
    async listOf(consumer, page, call) {
      const aws = awsOnly(consumer);
      const context = await contextFor(call);
      const walk = { context, isOurs, pageSize: page.pageSize, call };
      const read = async (name: RoutableName): Promise<GranteeAccess[]> => {
        const { grants } = toPermissions(grantsIn(await readPolicyIn(context.place.region, context, name, call), aws));
        return grants.length > 0 ? [{ repoId: name, grants }] : [];
      };
      const { items, failed, next } = await walkOn(walk, readPlace(page), async (names) => names, read);
      if (failed.length > 0) throw failed[0]?.error;
      return { items, next: next && write(next) };
    },

    async removeAll(consumer, page, call) {
      const aws = awsOnly(consumer);
      const context = await contextFor(call);
      const replicas = await everyReplicaOf(context, leases, call);
      const end = (name: RoutableName, patient: boolean) =>
        endIn({ context, leases, consumer: aws, replicas, call }, name, patient);
      if (page.cursor === undefined) {
        // First of all, so that an event that is older finds it, wherever this page has not been yet.
        const [name, now] = ["roleArn" in aws ? aws.roleArn : aws.accountId, call.now()];
        await leases.registry.change(call, (record) => ({ ended: withEnd(record, name, now) }));
      }
      const place = readPlace(page);
      const { postponed = [] } = place;
      if (place.region === "postponed") return finish(place, end, call);
      const regions = [context.place.region, ...replicas];
      const region = place.region ?? context.place.region;
      if (!regions.includes(region)) throw staleCursor();
      // A replica whose repository is gone at home lets its consumers pull: it is looked for where it is.
      const choose = (names: readonly RoutableName[]) =>
        region === context.place.region ? Promise.resolve(names) : goneAtHome(context, names, call);
      const walk = { context, isOurs, pageSize: page.pageSize, call };
      const { items, failed, next } = await walkOn(walk, place, choose, (name) => end(name, false));
      const waiting = [...new Set([...postponed, ...failed.map(({ name }) => name)])];
      const following = next ?? { region: regions[regions.indexOf(region) + 1] ?? "postponed" };
      const isOver = following.region === "postponed" && waiting.length === 0 && place.missed === undefined;
      const missed = place.missed !== undefined && { missed: place.missed };
      const all = write({ ...following, ...missed, ...(waiting.length > 0 && { postponed: waiting }) });
      // So many are no exception: the others have their turn first, and then it begins anew.
      const cursor = all.length <= longestCursor ? all : write({ ...following, missed: reasonOf(failed) });
      return { items, next: isOver ? undefined : cursor };
    },
  };
}

/** How far a list has come. */
interface Place {
  /** Whose repositories are gone through; `postponed` where all regions are done, and absent for home. */
  readonly region?: string;
  /** ECR's token of the page that is gone through; absent for the first one. */
  readonly token?: string;
  /** Of the names on that page, sorted, those up to this one are done. */
  readonly after?: string;
  /** Repositories that failed, or that somebody edited: their turn comes when all others are done. */
  readonly postponed?: readonly string[];
  /** Why some of them failed, where they were too many to be named here. */
  readonly missed?: string;
}

/** The core takes cursors of up to 4,000 characters. */
const longestCursor = 4_000;

const write = (place: Place) => JSON.stringify(place);
const readPlace = ({ cursor }: PageRequest): Place => (cursor === undefined ? {} : (JSON.parse(cursor) as Place));

interface Walk {
  readonly context: EcrContext;
  readonly isOurs: IsOurs;
  readonly pageSize: number;
  readonly call: Call;
}

interface Failed {
  readonly name: RoutableName;
  readonly error: unknown;
}

/** Milliseconds after which a page begins no other repository: what is under way then has time to end. */
const pageMs = 10_000;
/** Begins a page. @returns whether it may begin another repository still */
function pageOf({ now }: Call): () => boolean {
  const until = now().getTime() + pageMs;
  return () => now().getTime() < until;
}
/** How many repositories are worked on at the same time. */
const width = 10;

/**
 * Works on the repositories of one page of ECR's, in the order of their names, until the page's time is over. Pages on which
 * nothing is ours are passed over meanwhile.
 *
 * @param choose those of the names that are to be worked on
 * @returns what `work` answered, whom it failed for, and where to go on, unless this was the region's last page
 */
async function walkOn<T>(
  { context, isOurs, pageSize, call }: Walk,
  { region = context.place.region, token, after }: Place,
  choose: (names: readonly RoutableName[]) => Promise<readonly RoutableName[]>,
  work: (name: RoutableName) => Promise<readonly T[]>,
): Promise<{ readonly items: readonly T[]; readonly failed: readonly Failed[]; readonly next?: Place }> {
  const isTime = pageOf(call);
  for (let cursor = token, past = after; ; past = undefined) {
    const { repositories, next } = await describePage(context, { cursor, pageSize }, call, region);
    const ours = repositories.flatMap(({ repositoryName: name = "" }) => (isOurs(name) ? [name] : [])).sort();
    const names = await choose(past === undefined ? ours : ours.filter((name) => name > past));
    if (names.length === 0 && next !== undefined && isTime()) {
      cursor = next;
      continue;
    }
    const { items, failed, done } = await inTurns(names, isTime, work, call);
    const last = names[done - 1];
    if (done < names.length) {
      const from = last ?? past;
      return {
        items,
        failed,
        next: { region, ...(cursor !== undefined && { token: cursor }), ...(from && { after: from }) },
      };
    }
    return { items, failed, ...(next !== undefined && { next: { region, token: next } }) };
  }
}

/** Works on the names, a few at a time. @returns how many were begun, all of which are done or failed */
async function inTurns<T>(
  names: readonly RoutableName[],
  isTime: () => boolean,
  work: (name: RoutableName) => Promise<readonly T[]>,
  { signal }: Call,
): Promise<{ readonly items: readonly T[]; readonly failed: readonly Failed[]; readonly done: number }> {
  const results: (readonly T[])[] = names.map(() => []);
  const failed: Failed[] = [];
  let done = 0;
  let hopeless: unknown;
  const worker = async () => {
    // One is begun in any case, so that every page comes further.
    while (done < names.length && (done === 0 || isTime()) && hopeless === undefined) {
      const index = done++;
      const name = names[index] as RoutableName;
      try {
        results[index] = await work(name);
      } catch (error) {
        const isEverywhere = error instanceof ArtifactRegistryError && error.code === "BINDING_CONFIG_INVALID";
        if (signal.aborted || isEverywhere) hopeless = error;
        failed.push({ name, error });
      }
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  if (hopeless !== undefined) throw hopeless;
  return { items: results.flat(), failed, done };
}

interface Ending {
  readonly context: EcrContext;
  readonly leases: PolicyLeases;
  readonly consumer: AwsConsumer;
  readonly replicas: readonly string[];
  readonly call: Call;
}

/**
 * Ends the consumer's access to one repository. Where nobody edits it, and neither its record nor any of its policies lets the
 * consumer in, it is left alone: an edit that begins later either knows of the end or was asked for after it.
 *
 * @param patient waits where somebody edits the repository
 * @throws RESOURCE_CONFLICT (retryable) where somebody edits it
 */
async function endIn(
  { context, leases, consumer, replicas, call }: Ending,
  name: RoutableName,
  patient: boolean,
): Promise<ConsumerRemoval[]> {
  const key = leases.key(name);
  const access = {
    accountIds: "accountId" in consumer ? [consumer.accountId] : [],
    roleArns: "roleArn" in consumer ? [consumer.roleArn] : [],
  };
  const isIn = (policy: RegionPolicy) => !isEmpty(grantsIn(policy, consumer));
  const told = (changed: boolean, leftOut: Parameters<typeof toldOf>[0], policies: readonly RegionPolicy[]) => {
    const more = toldOf(leftOut, policies, access, context);
    return changed || Object.keys(more).length > 0 ? [{ name, changed, ...more }] : [];
  };

  const { held, unfinished, record } = await leases.edits.look(key, call);
  if (held && !patient) throw busy(key);
  if (!held && !unfinished && isEmpty(grantsTo(consumer, record?.grants ?? grantSet([])))) {
    const home = await readPolicyIn(context.place.region, context, name, call);
    const others = isIn(home)
      ? undefined
      : await Promise.all(replicas.map((region) => readPolicyIn(region, context, name, call)));
    if (others !== undefined && !others.some(isIn)) return told(false, [], [home, ...others]);
  }
  const plan = planToEnd(consumer, context.place.partition);
  const change = (before: GrantSet) => endConsumer(consumer, before);
  try {
    const { leftOut, policies } = await editGrants(context, leases, name, { plan, change, named: [] }, call);
    return told(policies.some(isIn), leftOut, policies);
  } catch (error) {
    // It was deleted meanwhile, everywhere.
    if (error instanceof ArtifactRegistryError && error.code === "RESOURCE_NOT_FOUND") return [];
    throw error;
  }
}

/**
 * Works on those that were postponed.
 *
 * @throws what the first failure threw, where nobody came further; RESOURCE_CONFLICT (retryable) where others are missing
 */
async function finish(
  { postponed = [], missed }: Place,
  end: (name: RoutableName, patient: boolean) => Promise<readonly ConsumerRemoval[]>,
  call: Call,
): Promise<Page<ConsumerRemoval>> {
  const names = postponed as readonly RoutableName[];
  const { items, failed, done } = await inTurns(names, pageOf(call), (name) => end(name, true), call);
  const left = [...failed.map(({ name }) => name), ...names.slice(done)];
  if (left.length === names.length && failed.length > 0) throw failed[0]?.error;
  if (names.length === 0 && missed !== undefined) throw someMissed(missed);
  const isOver = left.length === 0 && missed === undefined;
  const rest = { region: "postponed", postponed: left, ...(missed !== undefined && { missed }) };
  return { items, next: isOver ? undefined : write(rest) };
}

/** Those of the names that are no repositories at home. ECR refuses to describe any if it does not know one of them. */
async function goneAtHome(
  context: EcrContext,
  names: readonly RoutableName[],
  call: Call,
): Promise<readonly RoutableName[]> {
  if (names.length === 0) return [];
  const some = names.slice(0, 100);
  const rest = names.length > some.length ? await goneAtHome(context, names.slice(some.length), call) : [];
  const found = await ecr(
    context,
    call,
    "DescribeRepositories",
    (client, options) => client.send(new DescribeRepositoriesCommand({ repositoryNames: some }), options),
    { instead: { RepositoryNotFoundException: "absent" } },
  );
  if (found !== "absent") return rest;
  if (some.length === 1) return [...some, ...rest];
  const half = some.length >> 1;
  const gone = [some.slice(0, half), some.slice(half)].map((each) => goneAtHome(context, each, call));
  return [...(await Promise.all(gone)).flat(), ...rest];
}

function reasonOf([first]: readonly Failed[]): string {
  return first?.error instanceof ArtifactRegistryError ? first.error.message.slice(0, 500) : "They are being edited.";
}

function someMissed(why: string): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `Some repositories could not be looked through: ${why}`, {
    retryable: true,
    hint: "Begin anew, without a pageToken. The access is ended at all others.",
  });
}

/** What a policy grants the consumer. */
function grantsIn({ policy }: RegionPolicy, consumer: AwsConsumer): GrantSet {
  return grantsTo(consumer, grantSet(policy ? [...policy.own, ...policy.adopted] : []));
}

function isEmpty(grants: GrantSet): boolean {
  return grantsOf(grants).length === 0;
}

/** The core has refused everybody else. */
function awsOnly(consumer: Consumer): AwsConsumer {
  if (consumer.type === "aws") return consumer;
  throw new ArtifactRegistryError("INVALID_INPUT", "This registry grants access on AWS alone.");
}
