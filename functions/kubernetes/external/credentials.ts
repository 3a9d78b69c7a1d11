import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { CredentialRequest, MintedCredentials } from "../../../core/registry.ts";
import type { Permissions } from "../../../core/schemas.ts";
import { Secret } from "../../../core/secret.ts";
import { compareAccess, readRegistryClaims } from "../../../core/token-claims.ts";
import { type Challenge, scope } from "../../../oci/client/index.ts";
import type { AccountField } from "../binding.ts";
import { ask, type ExternalContext, step } from "./context.ts";
import { tryDeletion, tryOut } from "./try-out.ts";

/**
 * Mints credentials for one repository, and for pulls from some others: the token that the registry's token service grants
 * to the bound pull or push account, for exactly these repositories and permission levels. The service decides how long it lives. We check its claims,
 * and try out a token that does not tell what it opens.
 *
 * @throws BINDING_CONFIG_INVALID where no account is bound: the function's own account never mints
 * @throws OPERATION_NOT_SUPPORTED where the registry has no token service, or its tokens open more than was asked for
 */
export async function generateCredentials(
  context: ExternalContext,
  { name, permissions, alsoPull = [] }: CredentialRequest,
  call: Call,
): Promise<MintedCredentials> {
  const { binding } = context;
  const field: AccountField = permissions === "pull" ? "pullAccount" : "pushAccount";
  if (binding[field] === undefined) throw noAccount(field);
  if (binding.staticCredentials) return handOutAccount(context, name, permissions, field, call);

  const challenge = await tokenChallenge(context, call);
  const wanted = [
    { name, actions: permissions === "pull" ? ["pull"] : ["pull", "push"] },
    ...alsoPull.map((each) => ({ name: each, actions: ["pull"] })),
  ];
  const scopes = [permissions === "pull" ? scope.pull(name) : scope.push(name), ...alsoPull.map(scope.pull)];
  const { value, expiresAt } = await step(context, call, { what: "ask for a token", as: field }, (client) =>
    client.requestToken(challenge, scopes.join(" ")),
  );
  const claims = checkClaims(value, wanted);
  const end = Math.min(expiresAt, claims.expiresAt ?? Number.POSITIVE_INFINITY);
  if (end <= call.now().getTime()) throw alreadyOver(context);
  const claimed = { name, permissions, alsoPull, scope: "repository" } as const;
  if (!claims.tellAccess) await tryOut(context, { bearer: value }, claimed, call);
  // What a registry takes "push" for is not in the claims: Quay's deletes as well.
  else if (permissions === "push-pull") await tryDeletion(context, { bearer: value }, name, call);
  return {
    authMethod: "bearer",
    username: "",
    password: new Secret(value),
    expiresAt: new Date(end),
    scope: "repository",
  };
}

/** Asks the registry without credentials, to learn how it wants callers to authenticate. */
async function tokenChallenge({ connection, host }: ExternalContext, call: Call): Promise<Challenge> {
  const challenges = await ask(call, "ask for the challenge", host, "credentials", async (signal) =>
    (await connection.with(undefined)).withSignal(signal).challenges(),
  );
  const bearer = challenges.find(({ scheme, params }) => scheme === "bearer" && params.realm !== undefined);
  if (bearer !== undefined) return bearer;
  const [message, hint] =
    challenges.length === 0
      ? ["asks nobody for credentials, so there are none to mint.", "Turn on authentication at the registry."]
      : [
          "takes only user names and passwords, and has no tokens that expire.",
          "Give it a token service, or set staticCredentials to hand out the pull and push accounts themselves.",
        ];
  throw new ArtifactRegistryError("OPERATION_NOT_SUPPORTED", `The registry ${host} ${message}`, { hint });
}

function noAccount(field: AccountField): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The binding has no ${field}.`, {
    hint: "Add the account to the binding, because the function's own account never mints.",
    context: { field },
  });
}

function alreadyOver({ host }: ExternalContext): ArtifactRegistryError {
  return new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", `${host}: the token had expired before it arrived.`, {
    hint: "Check that the clocks of the token service and of this function agree.",
  });
}

export interface Wanted {
  readonly name: string;
  readonly actions: readonly string[];
}

export interface Claims {
  /** Milliseconds since the epoch; absent where the token does not tell. */
  readonly expiresAt?: number;
  /** Whether the token says that it opens exactly what was asked for. */
  readonly tellAccess: boolean;
}

/**
 * Checks a token's claims against what was asked for (distribution, "Token Authentication Implementation": `access`).
 * The registry checks the signature. A token that is not a JWT, or has no `access`, tells nothing.
 *
 * @throws ACCESS_DENIED where the service granted less, CLOUD_PLATFORM_ERROR where it granted more
 */
export function checkClaims(token: string, wanted: readonly Wanted[]): Claims {
  const { expiresAt: end, access } = readRegistryClaims(token) ?? {};
  const expiresAt = end && { expiresAt: end.getTime() };
  if (access === undefined) return { ...expiresAt, tellAccess: false };
  const asked = wanted.map((each) => ({ type: "repository", ...each }));
  const context = {
    asked: wanted.flatMap(({ name, actions }) => actions.map((action) => `repository:${name}:${action}`)).join(" "),
  };
  // An access claim that we cannot read may open anything.
  const { missing, more } = access === "unreadable" ? { missing: [], more: true } : compareAccess(access, asked);
  if (more) {
    throw new ArtifactRegistryError("CLOUD_PLATFORM_ERROR", "The token service granted more than was asked for.", {
      hint: "A token that opens more than it says is not handed out. Check what the account may do at the registry.",
      context,
    });
  }
  if (missing.length > 0) {
    throw new ArtifactRegistryError("ACCESS_DENIED", "The token service granted less than was asked for.", {
      hint: `Give the binding's ${wanted.some(({ actions }) => actions.includes("push")) ? "pushAccount" : "pullAccount"} the right at the registry.`,
      context,
    });
  }
  return { ...expiresAt, tellAccess: true };
}

/**
 * Hands out the pull or push account itself, where the operator opted in. It opens every repository and does not expire. We try
 * it out each time, because its rights can change at the registry.
 *
 * @throws BINDING_CONFIG_INVALID where the same account is bound twice
 */
async function handOutAccount(
  { connection, ...context }: ExternalContext,
  name: RoutableName,
  permissions: Permissions,
  field: AccountField,
  call: Call,
): Promise<MintedCredentials> {
  const account = await connection.account(field);
  if (account === undefined) throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The binding has no ${field}.`);
  const { username, password } = account;
  for (const other of ["account", ...(permissions === "pull" ? (["pushAccount"] as const) : [])] as const) {
    const its = await connection.account(other);
    // One user may have several passwords with different rights, such as access tokens. So we compare both.
    if (its?.username === username && its.password.reveal() === password.reveal()) throw sameAccount(field, other);
  }
  const credentials = { username, password: password.reveal() };
  await tryOut({ ...context, connection }, credentials, { name, permissions, scope: "registry" }, call);
  return { authMethod: "basic", username, password, scope: "registry" };
}

function sameAccount(field: AccountField, other: AccountField): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The binding's ${field} and ${other} are one account.`, {
    hint: "Give each of them an account of its own, because what is handed out must do no more than it says.",
    context: { field },
  });
}
