import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { CredentialRequest, MintedCredentials } from "../../../core/registry.ts";
import { Secret } from "../../../core/secret.ts";
import { type Challenge, scope } from "../../../oci/client/index.ts";
import type { AccountField } from "../binding.ts";
import { ask, type ExternalContext, step } from "./context.ts";
import { handOutAccount } from "./static.ts";
import { checkClaims } from "./token-claims.ts";
import { tryOut } from "./try-out.ts";

/**
 * Credentials for one repository: the token that the registry's token service grants to the bound pull or push
 * account, for exactly this repository and permission level and for as long as the service says. Its claims are
 * checked; a token that does not tell what it opens is tried out.
 *
 * @throws BINDING_CONFIG_INVALID where no account is bound: the function's own never mints
 * @throws OPERATION_NOT_SUPPORTED where the registry has no token service, or its tokens open more than was asked for
 */
export async function generateCredentials(
  context: ExternalContext,
  { name, permissions }: CredentialRequest,
  call: Call,
): Promise<MintedCredentials> {
  const { binding } = context;
  const field: AccountField = permissions === "pull" ? "pullAccount" : "pushAccount";
  if (binding[field] === undefined) throw noAccount(field);
  if (binding.staticCredentials) return handOutAccount(context, name, permissions, field, call);

  const challenge = await tokenChallenge(context, call);
  const wanted = { name, actions: permissions === "pull" ? ["pull"] : ["pull", "push"] };
  const { value, expiresAt } = await step(context, call, { what: "ask for a token", as: field }, (client) =>
    client.requestToken(challenge, permissions === "pull" ? scope.pull(name) : scope.push(name)),
  );
  const claims = checkClaims(value, wanted);
  const end = Math.min(expiresAt, claims.expiresAt ?? Number.POSITIVE_INFINITY);
  if (end <= call.now().getTime()) throw alreadyOver(context);
  if (!claims.tellAccess) await tryOut(context, { bearer: value }, { name, permissions, scope: "repository" }, call);
  return {
    authMethod: "bearer",
    username: "",
    password: new Secret(value),
    expiresAt: new Date(end),
    scope: "repository",
  };
}

/** The registry's challenge for tokens, asked for without credentials. */
async function tokenChallenge({ connection, host }: ExternalContext, call: Call): Promise<Challenge> {
  const challenges = await ask(call, "ask for the challenge", host, "credentials", async (signal) =>
    (await connection.with(undefined)).withSignal(signal).challenges(),
  );
  const bearer = challenges.find(({ scheme, params }) => scheme === "bearer" && params.realm !== undefined);
  if (bearer !== undefined) return bearer;
  const [message, hint] =
    challenges.length === 0
      ? ["asks nobody for credentials: there are none to mint.", "Turn on authentication at the registry."]
      : [
          "knows user names and passwords only, and no tokens that end.",
          "Give it a token service, or set staticCredentials to hand out the pull and push accounts themselves.",
        ];
  throw new ArtifactRegistryError("OPERATION_NOT_SUPPORTED", `The registry ${host} ${message}`, { hint });
}

function noAccount(field: AccountField): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The binding has no ${field}.`, {
    hint: "Add the account to the binding: the function's own never mints.",
    context: { field },
  });
}

function alreadyOver({ host }: ExternalContext): ArtifactRegistryError {
  return new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", `${host}: the token has ended before it was had.`, {
    hint: "See that the clocks of the token service and of this function agree.",
  });
}
