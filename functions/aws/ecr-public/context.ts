import { ECRPUBLICClient } from "@aws-sdk/client-ecr-public";
import type { Call } from "../../../core/call.ts";
import type { EcrPublicBinding } from "../binding.ts";
import { translateAwsError } from "../errors.ts";
import type { Place } from "../place.ts";
import { createSignedRequests, type SignedRequests } from "../signed.ts";

/** What every part of the adapter works with. */
export interface EcrPublicContext {
  readonly binding: EcrPublicBinding;
  readonly place: Place;
  readonly requests: SignedRequests;
  /** The client under the function's own identity. */
  readonly own: ECRPUBLICClient;
}

/** ECR Public answers here and nowhere else, wherever the function runs (Amazon ECR Public endpoints and quotas). */
export const region = "us-east-1";

export function createContext(binding: EcrPublicBinding, place: Place): EcrPublicContext {
  return {
    binding,
    place,
    requests: createSignedRequests(place.region),
    // Repeating is the core's, which counts the calls.
    own: new ECRPUBLICClient({ region, maxAttempts: 1 }),
  };
}

/**
 * One request to ECR Public under the function's own identity.
 *
 * @param action as IAM names it, without `ecr-public:`
 * @param expected names of errors that mean something to the caller of this function
 * @throws ArtifactRegistryError for what every action may meet; expected errors pass, to be told apart by name
 */
export function ecrPublic<T>(
  { own }: EcrPublicContext,
  call: Call,
  action: string,
  send: (client: ECRPUBLICClient, options: { abortSignal: AbortSignal }) => Promise<T>,
  expected: readonly string[] = [],
): Promise<T> {
  const what = `ECR Public ${action}`;
  return call.upstream(what, async (abortSignal) => {
    try {
      return await send(own, { abortSignal });
    } catch (error) {
      if (error instanceof Error && expected.includes(error.name)) throw error;
      // Whoever creates with tags sets them too.
      const needed = action === "CreateRepository" ? [action, "TagResource"] : [action];
      const needs = needed.map((each) => `ecr-public:${each}`).join(" and ");
      throw translateAwsError(error, what, `${needs} on the repository`);
    }
  });
}
