import { CreateRepositoryCommand, SetRepositoryPolicyCommand } from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { isServiceError } from "../errors.ts";
import { ownershipTagKey } from "../names.ts";
import { type EcrContext, ecr } from "./context.ts";

/** What callers call a principal of a policy: an account by its number, everybody else as the policy names them. */
export function nameOf(principal: string): string {
  return /^arn:[^:]+:iam::(\d{12}):root$/.exec(principal)?.[1] ?? principal;
}

/**
 * The repository on which we find out whom AWS refuses. It never holds an image, so nobody gains or loses anything by
 * its policy. It is made when it is first needed; two dashes keep every logical name away from it.
 */
export function probeName(prefix: string): string {
  return `${prefix}--principals`;
}

/** The policy of that repository: ECR takes it if it knows all of these principals. */
export function probePolicy(principals: readonly string[]): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Deny", Principal: { AWS: principals }, Action: "ecr:BatchGetImage" }],
  });
}

/** Milliseconds after which no other try begins: a revocation needs time for what it does without an answer. */
const probingMs = 10_000;

/** Whether AWS refuses a policy because of somebody whom it names. It does not say because of whom. */
export function isPrincipalNotFound(error: unknown): boolean {
  return (
    isServiceError(error, "InvalidParameterException") &&
    error instanceof Error &&
    /principal not found/i.test(error.message)
  );
}

/**
 * Finds the principals that a region refuses: of an account that was closed, or that has not enabled the region, or a role
 * that is gone. It sets policies on an empty repository of ours, by halves.
 *
 * @param principals as a policy names them
 * @throws TIMEOUT (retryable) when that takes too long; what ECR answers when it refuses the repository
 */
export async function findRefused(
  context: EcrContext,
  region: string,
  principals: readonly string[],
  call: Call,
): Promise<ReadonlySet<string>> {
  const { repositoryPrefix: prefix } = context.binding;
  const repositoryName = probeName(prefix);
  const until = call.now().getTime() + probingMs;
  const needs = `ecr:CreateRepository, ecr:TagResource and ecr:SetRepositoryPolicy on ${repositoryName}, in ${region}`;

  async function set(some: readonly string[]): Promise<"taken" | "refused" | "no repository"> {
    if (call.now().getTime() > until) throw tooSlow(region);
    const policyText = probePolicy(some);
    const send = async (client: ReturnType<EcrContext["clients"]["ecr"]>, options: { abortSignal: AbortSignal }) => {
      try {
        await client.send(new SetRepositoryPolicyCommand({ repositoryName, policyText }), options);
        return "taken" as const;
      } catch (error) {
        if (isPrincipalNotFound(error)) return "refused" as const;
        throw error;
      }
    };
    const instead = { RepositoryNotFoundException: "no repository" } as const;
    return ecr(context, call, "SetRepositoryPolicy", send, { region, instead, needs });
  }

  async function refusedAmong(some: readonly string[]): Promise<readonly string[]> {
    if (some.length === 0) return [];
    let answer = await set(some);
    if (answer === "no repository") {
      const made = new CreateRepositoryCommand({ repositoryName, tags: [{ Key: ownershipTagKey, Value: prefix }] });
      await ecr(context, call, "CreateRepository", (client, options) => client.send(made, options), {
        region,
        instead: { RepositoryAlreadyExistsException: "exists" },
        needs,
      });
      answer = await set(some);
    }
    if (answer === "taken") return [];
    if (some.length === 1) return some;
    const half = some.length >> 1;
    return [...(await refusedAmong(some.slice(0, half))), ...(await refusedAmong(some.slice(half)))];
  }

  return new Set(await refusedAmong(principals));
}

function tooSlow(region: string): ArtifactRegistryError {
  return new ArtifactRegistryError("TIMEOUT", `Whom AWS refuses in ${region} could not be found in time.`, {
    retryable: true,
  });
}
