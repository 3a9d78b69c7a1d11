import {
  DeleteRepositoryPolicyCommand,
  GetRepositoryPolicyCommand,
  SetRepositoryPolicyCommand,
} from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { NotYet, pauseAtMost, untilReady } from "../../../core/until-ready.ts";
import { isServiceError, translateAwsError } from "../errors.ts";
import { type GrantSet, noGrants } from "../grants/grant.ts";
import type { Held } from "../lease/lease.ts";
import { type Policy, readPolicy } from "../policy/read.ts";
import { writePolicy } from "../policy/write.ts";
import { type EcrContext, ecr, inEveryRegion, type RegionOutcome, refuseFailures, requestName } from "./context.ts";
import { notFound } from "./repositories.ts";

/** A repository's policy in one region. */
export interface RegionPolicy {
  readonly region: string;
  /** Absent where there is no repository. A repository without a policy has an empty one here. */
  readonly policy?: Policy;
  /** Whether the region is leaving the registry: then it gets no grants. */
  readonly leaving?: boolean;
}

/** Milliseconds for one request that changes a policy. */
const writeTimeoutMs = 5_000;
/** IAM tells ECR of a new role some seconds after it was made. */
const principalBackoff = { baseMs: 1_000, capMs: 2_000, attempts: 3 };

/** Reads the policy in one region. Only ECR's own "no policy" means that there is none: every other error is thrown. */
export async function readPolicyIn(
  region: string,
  context: EcrContext,
  name: RoutableName,
  call: Call,
): Promise<RegionPolicy> {
  const answer = await ecr(
    context,
    call,
    "GetRepositoryPolicy",
    (client, options) => client.send(new GetRepositoryPolicyCommand({ repositoryName: name }), options),
    {
      region,
      instead: { RepositoryPolicyNotFoundException: "no policy", RepositoryNotFoundException: "no repository" },
    },
  );
  if (answer === "no repository") return { region };
  if (answer === "no policy") return { region, policy: readPolicy(undefined, context.place) };
  if (answer.policyText !== undefined) return { region, policy: readPolicy(answer.policyText, context.place) };
  throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "ECR answered without the repository's policy.", {
    hint: "Nothing was changed.",
  });
}

export interface PolicyWrites {
  readonly policies: readonly RegionPolicy[];
  readonly grants: GrantSet;
  /** Whom the caller named. An error names nobody else who is in the policy. */
  readonly named?: readonly string[];
  /** Whether access is revoked. A document that cannot be written does not keep the others from being written then. */
  readonly revokes?: boolean;
  /** Regions that failed before. */
  readonly failed?: readonly RegionOutcome[];
}

/**
 * Writes these grants into every document that differs. Nothing is written before it is clear that each of them fits,
 * unless access is revoked.
 *
 * @throws INVALID_INPUT for a role that does not exist, also after a while in which a new one becomes known, and
 *   RESOURCE_CONFLICT for it where the caller named nobody; RESOURCE_NOT_FOUND or, for a replica, RESOURCE_CONFLICT where
 *   the repository was deleted meanwhile and access is granted; QUOTA_EXCEEDED
 */
export async function writePolicies(
  context: EcrContext,
  name: RoutableName,
  { policies, grants, named = [], revokes = false, failed = [] }: PolicyWrites,
  held: Held,
  call: Call,
): Promise<void> {
  const unfit: RegionOutcome[] = [];
  const documents = policies.flatMap(({ region, policy, leaving = false }) => {
    // A replica that does not exist yet gets its policy by the event of its replication.
    if (policy === undefined) return [];
    try {
      return [{ region, ...writePolicy(policy, leaving ? noGrants : grants, context.place) }];
    } catch (error) {
      if (!revokes) throw error;
      unfit.push({ region, error });
      return [];
    }
  });
  const outcomes = await inEveryRegion(documents, async ({ region, text, differs }) => {
    if (!differs) return;
    const written = await writeIn(region, context, { name, text, named }, held, call);
    // Whoever can pull from nowhere has lost the access that was to be revoked.
    if (written === "no repository" && !revokes) throw deletedMeanwhile(context, name, region);
  });
  refuseFailures([...outcomes, ...unfit, ...failed], "The policy is as asked for");
}

interface PolicyWrite {
  readonly name: RoutableName;
  /** Absent: the policy is deleted. */
  readonly text: string | undefined;
  readonly named: readonly string[];
}

/** Replaces the policy in one region, under the lease: each try starts only while the lease outlives it. */
async function writeIn(
  region: string,
  { clients, place }: EcrContext,
  { name: repositoryName, text, named }: PolicyWrite,
  held: Held,
  call: Call,
): Promise<"written" | "no repository"> {
  const action = text === undefined ? "DeleteRepositoryPolicy" : "SetRepositoryPolicy";
  const what = requestName(place, action, region);
  const send = async (abortSignal: AbortSignal) => {
    const client = clients.ecr(region);
    try {
      await (text === undefined
        ? client.send(new DeleteRepositoryPolicyCommand({ repositoryName }), { abortSignal })
        : client.send(new SetRepositoryPolicyCommand({ repositoryName, policyText: text }), { abortSignal }));
      return "written";
    } catch (error) {
      if (isServiceError(error, "RepositoryNotFoundException")) return "no repository";
      // What is gone already is as it should be.
      if (text === undefined && isServiceError(error, "RepositoryPolicyNotFoundException")) return "written";
      if (isPrincipalNotFound(error)) throw new NotYet(unknownPrincipal(named, error));
      throw translateAwsError(error, what, `ecr:${action} on the repository, in ${region}`);
    }
  };
  return untilReady(() => held.write(what, writeTimeoutMs, send), call.signal, principalBackoff, {
    wait: pauseAtMost,
  });
}

function isPrincipalNotFound(error: unknown): boolean {
  return (
    isServiceError(error, "InvalidParameterException") &&
    error instanceof Error &&
    /principal not found/i.test(error.message)
  );
}

function unknownPrincipal(named: readonly string[], cause: unknown): ArtifactRegistryError {
  if (named.length === 0) {
    return new ArtifactRegistryError("RESOURCE_CONFLICT", "AWS no longer knows a principal of the policy.", {
      hint: "A role or account that was granted access is gone: remove its access.",
      cause,
    });
  }
  const some = `${named.slice(0, 5).join(", ")}${named.length > 5 ? ", …" : ""}`;
  const message = `AWS does not know ${named.length === 1 ? "this principal" : "one of these principals"}: ${some}.`;
  return new ArtifactRegistryError("INVALID_INPUT", message, {
    hint: "Create the role first; a new one is known some seconds later. Remove roles that no longer exist.",
    context: { field: "access" },
    cause,
  });
}

function deletedMeanwhile(context: EcrContext, name: RoutableName, region: string): ArtifactRegistryError {
  if (region === context.place.region) return notFound(context, name);
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `The replica in ${region} was deleted during the edit.`, {
    retryable: true,
  });
}
