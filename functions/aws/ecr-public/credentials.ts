import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { CredentialRequest, MintedCredentials } from "../../../core/registry.ts";
import { mintedFrom } from "../ecr/credentials.ts";
import { translateAwsError } from "../errors.ts";
import { accountOf } from "../names.ts";
import { ecrPublicSessionPolicy } from "../policy/session.ts";
import { assumeRole, onceSpread, sessionSeconds } from "../session.ts";
import { type EcrPublicContext, region } from "./context.ts";

/**
 * Mints credentials that push to one repository, or to none: anybody reads all of ECR Public, and credentials for pulls
 * raise the limits that anonymous pulls have. A session of the bound role, bounded by an inline policy, asks for the
 * token, and a token may do what the session may.
 *
 * @throws BINDING_CONFIG_INVALID where no role is bound: the function's own identity never mints
 * @throws INVALID_INPUT where the names of the repositories fill a session's policy
 */
export async function generateCredentials(
  { binding, requests, place }: EcrPublicContext,
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
  const session = await assumeRole(requests, place, { roleArn, policy, seconds: ttlSeconds, credentialId }, call);

  const what = "ECR Public GetAuthorizationToken";
  const ask = async (abortSignal: AbortSignal) => {
    try {
      return await requests.authorizationToken({ service: "ecr-public", region, keys: session.keys }, abortSignal);
    } catch (error) {
      const needs = `ecr-public:GetAuthorizationToken and sts:GetServiceBearerToken on * for ${roleArn}`;
      throw translateAwsError(error, what, needs);
    }
  };
  const token = await onceSpread(requests, roleArn, what, call, () => call.upstream(what, ask));
  return mintedFrom(token, session.expiresAt);
}
