import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import type { Call } from "../../core/call.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";
import type { Clients } from "./clients.ts";
import { translateAwsError } from "./errors.ts";

/** The function's own account and identity, as STS knows them. It needs no permission. */
export async function askIdentity(clients: Clients, call: Call): Promise<{ account: string; arn: string }> {
  const what = "STS GetCallerIdentity";
  const { Account: account, Arn: arn } = await call.upstream(what, async (abortSignal) => {
    try {
      return await clients.sts().send(new GetCallerIdentityCommand({}), { abortSignal });
    } catch (error) {
      throw translateAwsError(error, what, "sts:GetCallerIdentity");
    }
  });
  if (account !== undefined && arn !== undefined) return { account, arn };
  throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "STS answered without an account.");
}

export async function askAccount(clients: Clients, call: Call): Promise<string> {
  return (await askIdentity(clients, call)).account;
}
