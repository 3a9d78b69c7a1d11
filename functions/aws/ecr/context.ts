import type { ECRClient } from "@aws-sdk/client-ecr";
import type { Call, UpstreamOptions } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { EcrBinding } from "../binding.ts";
import { translateAwsError } from "../errors.ts";
import type { PolicyLease } from "../lease/lease.ts";
import type { RegistryRecords } from "../lease/registry.ts";
import type { Place } from "../place.ts";
import type { Clients } from "../sdk.ts";
import type { SignedRequests } from "../signed.ts";

/** What a credential is made with. */
export interface MintingContext {
  readonly binding: EcrBinding;
  readonly place: Place;
  readonly requests: SignedRequests;
  /** Replica regions that the binding names; the home region is never among them. What an edit reaches says `regionsOf`. */
  readonly replicaRegions: readonly string[];
}

/** What every other part of the adapter works with. */
export interface EcrContext extends MintingContext {
  readonly clients: Clients;
  /** Of a derived binding: asks the registry's tags anew. */
  readonly latest?: ContextFor;
}

/** Answers the context of one call. */
export type ContextFor = (call: Call) => Promise<EcrContext>;

/** The leases of one registry's repositories. */
export interface PolicyLeases {
  /** For edits of access; on Lambda only with a table. */
  readonly edits: PolicyLease;
  /** For deletions, which need no table: they only take away. */
  readonly deletions: PolicyLease;
  /** What is known of the registry's replica regions. */
  readonly registry: RegistryRecords;
  /** What is leased. It is the same for the same repository in every function of every region. */
  key(name: RoutableName): string;
}

/**
 * One request to ECR in one region.
 *
 * @param action as IAM names it, without `ecr:`
 * @returns ECR's answer, or what `instead` has for the error that ECR answered with
 * @throws ArtifactRegistryError for every other error
 */
export function ecr<T, const Instead extends string = never>(
  { clients, place }: EcrContext,
  call: Call,
  action: string,
  send: (client: ECRClient, options: { abortSignal: AbortSignal }) => Promise<T>,
  { region = place.region, instead = {}, needs, limits }: EcrRequestOptions<Instead> = {},
): Promise<T | Instead> {
  const what = requestName(place, action, region);
  const request = async (abortSignal: AbortSignal) => {
    try {
      return await send(clients.ecr(region), { abortSignal });
    } catch (error) {
      const answer = error instanceof Error && Object.hasOwn(instead, error.name) ? instead[error.name] : undefined;
      if (answer !== undefined) return answer;
      throw translateAwsError(error, what, needs ?? `ecr:${action} on the repository, in ${region}`);
    }
  };
  return call.upstream(what, request, limits);
}

export interface EcrRequestOptions<Instead extends string> {
  readonly region?: string;
  /** Errors of ECR that are an answer to the question, by name, and what is returned instead of throwing each. */
  readonly instead?: Readonly<Record<string, Instead>>;
  /** The permissions without which it is denied, where the action's own is not all. */
  readonly needs?: string;
  /** How long it may take, where that differs from the other requests of the operation. */
  readonly limits?: UpstreamOptions | undefined;
}

/** What errors call a request. The home region goes without saying. */
export function requestName({ region: home }: Place, action: string, region: string): string {
  return `ECR ${action}${region === home ? "" : ` in ${region}`}`;
}

/** How a change went in one region. */
export interface RegionOutcome {
  readonly region: string;
  /** What went wrong there; absent where nothing did. */
  readonly error?: unknown;
}

/** Does the same in every region, whatever becomes of the others. */
export async function inEveryRegion<T extends { readonly region: string }>(
  regions: readonly T[],
  work: (each: T) => Promise<void>,
): Promise<RegionOutcome[]> {
  const settled = await Promise.allSettled(regions.map(work));
  return regions.map(({ region }, index) => {
    const outcome = settled[index];
    return { region, ...(outcome?.status === "rejected" && { error: outcome.reason }) };
  });
}

/**
 * Throws if any region failed, and names it: the others were changed. The error is retryable only if repeating the call can
 * help in every region that failed.
 *
 * @param what was done, as `The policy was changed`
 */
export function refuseFailures(outcomes: readonly RegionOutcome[], what: string): void {
  const failed = outcomes.filter(({ error }) => error !== undefined);
  const worst = failed.find(({ error }) => !(error instanceof ArtifactRegistryError && error.retryable)) ?? failed[0];
  if (worst === undefined) return;
  const { error } = worst;
  const done = outcomes.filter((outcome) => outcome.error === undefined);
  if (!(error instanceof ArtifactRegistryError) || done.length === 0) throw error;
  const list = (regions: readonly RegionOutcome[]) => regions.map(({ region }) => region).join(", ");
  const { code, message, retryable, context, retryAfterSeconds, hint } = error;
  throw new ArtifactRegistryError(code, `${message} ${what} in ${list(done)}, and may not be in ${list(failed)}.`, {
    retryable,
    hint: `${hint === undefined ? "" : `${hint} `}The same call again finishes it.`,
    ...(context && { context }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    cause: error,
  });
}
