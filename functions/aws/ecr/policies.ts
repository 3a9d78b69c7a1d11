import { setTimeout as sleep } from "node:timers/promises";
import {
  DeleteRepositoryPolicyCommand,
  GetRepositoryPolicyCommand,
  SetRepositoryPolicyCommand,
} from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { isServiceError, translateAwsError } from "../errors.ts";
import type { Held } from "../lease/index.ts";
import { type EcrContext, ecr } from "./context.ts";

/** A repository's policy in one region: its text, no policy, or no repository. */
export type StoredPolicy = { readonly text: string | undefined } | "no-repository";

/** Milliseconds for one request that changes a policy. */
const writeTimeoutMs = 5_000;
/** Milliseconds between tries while IAM has not told ECR of a new role yet. */
const principalWaitsMs = [1_000, 2_000];

/** Reads the policy. Only ECR's own "no policy" means none: every other error stays one. */
export async function readStoredPolicy(
  context: EcrContext,
  name: RoutableName,
  region: string,
  call: Call,
): Promise<StoredPolicy> {
  try {
    const { policyText } = await ecr(
      context,
      call,
      "GetRepositoryPolicy",
      (client, options) => client.send(new GetRepositoryPolicyCommand({ repositoryName: name }), options),
      { region, expected: ["RepositoryPolicyNotFoundException", "RepositoryNotFoundException"] },
    );
    if (policyText !== undefined) return { text: policyText };
  } catch (error) {
    if (isServiceError(error, "RepositoryPolicyNotFoundException")) return { text: undefined };
    if (isServiceError(error, "RepositoryNotFoundException")) return "no-repository";
    throw error;
  }
  throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "ECR answered without the repository's policy.", {
    hint: "Nothing was changed.",
  });
}

/**
 * Puts a policy in the place of the one that stands; without a text, deletes it. Under the lease: each try starts only
 * while the lease outlives it.
 *
 * @throws INVALID_INPUT for a role that does not exist, also after a while in which a new one becomes known;
 *   RESOURCE_CONFLICT where the caller named nobody
 */
export async function writeStoredPolicy(
  context: EcrContext,
  write: PolicyWrite,
  held: Held,
  call: Call,
): Promise<void> {
  for (const wait of [...principalWaitsMs, undefined]) {
    try {
      await writeOnce(context, write, held);
      return;
    } catch (error) {
      if (!isPrincipalNotFound(error)) throw error;
      if (wait === undefined) throw unknownPrincipal(write.named, error);
      // When the call is over meanwhile, the next try says so.
      await sleep(wait, undefined, { signal: call.signal }).catch(() => undefined);
    }
  }
}

export interface PolicyWrite {
  readonly name: RoutableName;
  readonly region: string;
  readonly text: string | undefined;
  /** Whom the caller named: an error tells nobody who else is in the policy. */
  readonly named: readonly string[];
}

async function writeOnce(
  { clients, place }: EcrContext,
  { name, region, text }: PolicyWrite,
  held: Held,
): Promise<void> {
  const action = text === undefined ? "DeleteRepositoryPolicy" : "SetRepositoryPolicy";
  const what = `ECR ${action}${region === place.region ? "" : ` in ${region}`}`;
  await held.write(what, writeTimeoutMs, async (abortSignal) => {
    const client = clients.ecr(region);
    try {
      await (text === undefined
        ? client.send(new DeleteRepositoryPolicyCommand({ repositoryName: name }), { abortSignal })
        : client.send(new SetRepositoryPolicyCommand({ repositoryName: name, policyText: text }), { abortSignal }));
    } catch (error) {
      // What is gone already is as it should be.
      if (text === undefined && isServiceError(error, "RepositoryPolicyNotFoundException")) return;
      if (isPrincipalNotFound(error) || isServiceError(error, "RepositoryNotFoundException")) throw error;
      throw translateAwsError(error, what, `ecr:${action} on the repository, in ${region}`);
    }
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
