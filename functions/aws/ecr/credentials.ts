import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError, invalidInput } from "../../../core/errors.ts";
import type { CredentialRequest, MintedCredentials } from "../../../core/registry.ts";
import type { Permissions } from "../../../core/schemas.ts";
import { Secret } from "../../../core/secret.ts";
import { translateAwsError } from "../errors.ts";
import { accountOf, registryHost } from "../names.ts";
import { ecrSessionPolicy } from "../policy/session.ts";
import { assumeRole, onceSpread, sessionSeconds } from "../session.ts";
import type { AuthorizationToken } from "../signed.ts";
import type { MintingContext } from "./context.ts";

/**
 * Mints credentials for one repository and one permission level, and for pulls from some others: a session of the bound role, bounded by an inline
 * policy, asks for the token, and a token may do what the session may.
 *
 * @throws BINDING_CONFIG_INVALID where no role is bound: the function's own identity never mints
 * @throws INVALID_INPUT for a region that is not the registry's, or to which nobody pushes; where the names of the repositories fill a session's policy
 */
export async function generateCredentials(
  { binding, requests, place, replicaRegions }: MintingContext,
  { region: asked, ttlSeconds = sessionSeconds.default, ...request }: CredentialRequest,
  call: Call,
): Promise<MintedCredentials> {
  const { name, permissions, alsoPull, credentialId } = request;
  const region = asked ?? place.region;
  refuseRegion(region, permissions, [place.region, ...replicaRegions]);
  const roleArn = permissions === "pull" ? binding.pullRoleArn : binding.pushRoleArn;
  if (roleArn === undefined) throw noRole(permissions);
  const { partition } = place;
  const scope = { partition, account: accountOf(roleArn), region: place.region, name, permissions, alsoPull };
  const policy = ecrSessionPolicy(scope);
  const session = await assumeRole(requests, place, { roleArn, policy, seconds: ttlSeconds, credentialId }, call);

  const what = "ECR GetAuthorizationToken";
  const ask = async (abortSignal: AbortSignal) => {
    try {
      return await requests.authorizationToken({ service: "ecr", region, keys: session.keys }, abortSignal);
    } catch (error) {
      throw translateAwsError(error, what, `ecr:GetAuthorizationToken on * for ${roleArn}`);
    }
  };
  const token = await onceSpread(requests, roleArn, what, call, () => call.upstream(what, ask));
  const minted = mintedFrom(token, session.expiresAt);
  if (asked === undefined) return minted;
  return { ...minted, registryEndpoint: `https://${registryHost(place, accountOf(roleArn), region)}` };
}

/** The token in the form that clients present. It ends with its session or by itself, whichever comes first. */
export function mintedFrom({ authorizationToken, expiresAt }: AuthorizationToken, sessionEnd: Date): MintedCredentials {
  const [username, ...rest] = Buffer.from(authorizationToken ?? "", "base64")
    .toString("utf8")
    .split(":");
  if (username !== "AWS" || rest.length === 0 || expiresAt === undefined) {
    throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "AWS answered without an authorization token.");
  }
  return {
    authMethod: "basic",
    username,
    password: new Secret(rest.join(":")),
    expiresAt: new Date(Math.min(expiresAt.getTime(), sessionEnd.getTime())),
    scope: "repository",
  };
}

/** A token counts in the region that minted it, and replication overwrites what is pushed elsewhere than home. */
function refuseRegion(region: string, permissions: Permissions, regions: readonly string[]): void {
  if (!regions.includes(region)) {
    throw invalidInput(`The registry is not in ${region}.`, "region", `It is in ${regions.join(", ")}.`);
  }
  if (permissions !== "pull" && region !== regions[0]) {
    throw invalidInput(`Nothing is pushed to ${region}, which holds replicas.`, "region", `Push to ${regions[0]}.`);
  }
}

function noRole(permissions: Permissions): ArtifactRegistryError {
  const field = permissions === "pull" ? "pullRoleArn" : "pushRoleArn";
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The binding has no ${field}.`, {
    hint: "Provision the registry, or add the role to the binding: the function's own identity never mints.",
    context: { field },
  });
}
