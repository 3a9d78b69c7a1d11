import type { IAMClient } from "@aws-sdk/client-iam";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { isServiceError, translateAwsError } from "../errors.ts";

/** Requests to IAM. The SDK's client is loaded with this file, which only provisioning imports. */
export interface Iam {
  /**
   * @param action as IAM names it, without `iam:`
   * @param expected names of errors that the caller handles. They are thrown untranslated
   */
  send<T>(
    call: Call,
    action: string,
    request: (client: IAMClient, options: { abortSignal: AbortSignal }) => Promise<T>,
    expected?: readonly string[],
  ): Promise<T>;
}

/** The errors by which IAM says that somebody else is changing the same thing at this moment. */
const busy = [
  "ConcurrentModificationException",
  "ConcurrentModification",
  "EntityTemporarilyUnmodifiableException",
  "EntityTemporarilyUnmodifiable",
];

export function createIam(client: IAMClient): Iam {
  return {
    send(call, action, request, expected = []) {
      const what = `IAM ${action}`;
      return call.upstream(what, async (abortSignal) => {
        try {
          return await request(client, { abortSignal });
        } catch (error) {
          if (isServiceError(error, ...busy)) {
            throw new ArtifactRegistryError("RESOURCE_CONFLICT", `${what}: somebody else is changing the same role.`, {
              retryable: true,
              cause: error,
            });
          }
          if (error instanceof Error && expected.includes(error.name)) throw error;
          throw translateAwsError(error, what, `iam:${action} on the registry's roles`);
        }
      });
    },
  };
}
