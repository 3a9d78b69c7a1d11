import { GetAuthorizationTokenCommand } from "@aws-sdk/client-ecr-public";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { CredentialRequest, MintedCredentials } from "../../../core/registry.ts";
import { mintedFrom } from "../ecr/credentials.ts";
import { translateAwsError } from "../errors.ts";
import { ecrPublicSessionPolicy } from "../policy/session.ts";
import { accountOf } from "../sdk.ts";
import { assumeRole, onceSpread, sessionSeconds } from "../session.ts";
import type { EcrPublicContext } from "./context.ts";

/**
 * Mints credentials that push to one repository, or to none: anybody reads all of ECR Public, and credentials for pulls
 * raise the limits that anonymous pulls have. A session of the bound role, bounded by an inline policy, asks for the
 * token, and a token may do what the session may.
 *
 * @throws BINDING_CONFIG_INVALID where no role is bound: the function's own identity never mints
 * @throws INVALID_INPUT where the names of the repositories fill a session's policy
 */
export async function generateCredentials(
  { binding, clients, place, as }: EcrPublicContext,
  { name, permissions, alsoPull, ttlSeconds = sessionSeconds.default, credentialId }: CredentialRequest,
  call: Call,
): Promise<MintedCredentials> {
  const field = permissions === "pull" ? "pullRoleArn" : "pushRoleArn";
  const roleArn = binding[field];
  if (roleArn === undefined) {
    throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The binding has no ${field}.`, {
      hint: "Make the role with the module in infra/aws, and bind it: the function's own identity never mints.",
      context: { field },
    });
  }
  const { partition } = place;
  const policy = ecrPublicSessionPolicy({ partition, account: accountOf(roleArn), name, permissions, alsoPull });
  const session = await assumeRole(clients, place, { roleArn, policy, seconds: ttlSeconds, credentialId }, call);

  const what = "ECR Public GetAuthorizationToken";
  // One object, where private ECR answers a list.
  const ask = async (abortSignal: AbortSignal) => {
    try {
      return await as(session.credentials).send(new GetAuthorizationTokenCommand({}), { abortSignal });
    } catch (error) {
      const needs = `ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken on * for ${roleArn}`;
      throw translateAwsError(error, what, needs);
    }
  };
  const { authorizationData } = await onceSpread(clients, roleArn, what, call, () => call.upstream(what, ask));
  return mintedFrom(authorizationData?.authorizationToken, authorizationData?.expiresAt, session.expiresAt);
}
