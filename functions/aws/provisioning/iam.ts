import type { IAMClient } from "@aws-sdk/client-iam";
import type { Call } from "../../../core/call.ts";
import { translateAwsError } from "../errors.ts";

/** Requests to IAM. The SDK's client is loaded with this file, which only provisioning imports. */
export interface Iam {
  /** @param action as IAM names it, without `iam:` */
  send<T>(
    call: Call,
    action: string,
    request: (client: IAMClient, options: { abortSignal: AbortSignal }) => Promise<T>,
    expected?: readonly string[],
  ): Promise<T>;
}

export function createIam(client: IAMClient): Iam {
  return {
    send(call, action, request, expected = []) {
      const what = `IAM ${action}`;
      return call.upstream(what, async (abortSignal) => {
        try {
          return await request(client, { abortSignal });
        } catch (error) {
          if (error instanceof Error && expected.includes(error.name)) throw error;
          throw translateAwsError(error, what, `iam:${action} on the registry's roles`);
        }
      });
    },
  };
}
