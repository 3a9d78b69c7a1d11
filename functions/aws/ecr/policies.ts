import {
  DeleteRepositoryPolicyCommand,
  GetRepositoryPolicyCommand,
  SetRepositoryPolicyCommand,
} from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { AwsAccess, LeftOut, RevokedAccess } from "../../../core/schemas.ts";
import { isServiceError, translateAwsError } from "../errors.ts";
import type { GrantSet } from "../grants/grant.ts";
import type { Held } from "../lease/lease.ts";
import { type Policy, readPolicy } from "../policy/read.ts";
import { stillLetIn } from "../policy/unmanaged.ts";
import type { WrittenPolicy } from "../policy/write.ts";
import { type EcrContext, ecr, requestName } from "./context.ts";
import { isPrincipalNotFound } from "./refused.ts";

/** A repository's policy in one region. */
export interface RegionPolicy {
  readonly region: string;
  /** Absent where there is no repository. A repository without a policy has an empty one here. */
  readonly policy?: Policy;
}

/** A policy, and the grants that it shall hold. */
export interface Target extends RegionPolicy {
  readonly grants: GrantSet;
}

/** One edit of the policies of one repository, under its lease. */
export interface Edit {
  readonly context: EcrContext;
  readonly name: RoutableName;
  readonly held: Held;
  readonly call: Call;
}

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

/** What the caller of a revocation should know: whom AWS refuses, and what others wrote that still lets in whom it names. */
export function toldOf(
  leftOut: readonly LeftOut[],
  policies: readonly RegionPolicy[],
  access: Pick<AwsAccess, "accountIds" | "roleArns">,
  { place }: EcrContext,
): RevokedAccess {
  const unmanaged = policies.flatMap(({ region, policy }) =>
    (policy ? stillLetIn(policy, access) : []).map((entry) => (region === place.region ? entry : { ...entry, region })),
  );
  return { ...(leftOut.length > 0 && { leftOut: [...leftOut] }), ...(unmanaged.length > 0 && { unmanaged }) };
}

/** What became of a write. `refused`: AWS does not take somebody whom the policy names, and does not say whom. */
export type Written = "written" | "refused" | "no repository";

/** Milliseconds for one request that changes a policy. */
const writeTimeoutMs = 5_000;

/** Writes the policy where it differs from what stands. */
export async function writeIn(region: string, { text, differs }: WrittenPolicy, edit: Edit): Promise<Written> {
  return differs ? replaceIn(region, text, edit) : "written";
}

/** Replaces the policy in one region, under the lease: each try starts only while the lease outlives it. */
async function replaceIn(
  region: string,
  text: string | undefined,
  { context: { clients, place }, name: repositoryName, held }: Edit,
): Promise<Written> {
  const action = text === undefined ? "DeleteRepositoryPolicy" : "SetRepositoryPolicy";
  const what = requestName(place, action, region);
  return held.write(what, writeTimeoutMs, async (abortSignal) => {
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
      if (isPrincipalNotFound(error)) return "refused";
      throw translateAwsError(error, what, `ecr:${action} on the repository, in ${region}`);
    }
  });
}
