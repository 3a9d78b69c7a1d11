import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { CredentialRequest, MintedCredentials } from "../../../core/registry.ts";
import type { Permissions } from "../../../core/schemas.ts";
import { Secret } from "../../../core/secret.ts";
import { type Access, compareAccess, readRegistryClaims } from "../../../core/token-claims.ts";
import { unexpected } from "../errors.ts";
import type { AcrContext } from "./context.ts";
import { requestRegistry, textIn } from "./http.ts";

/**
 * The actions of each permission level, and no others. `metadata_read` lists tags, which Flux, Helm and Renovate do (Azure/acr, issues 600
 * and 690). Every role that pulls has it.
 */
const actionsOf: Readonly<Record<Permissions, readonly Action[]>> = {
  pull: ["pull", "metadata_read"],
  "push-pull": ["pull", "push", "metadata_read"],
};

/**
 * Milliseconds for which a credential is handed out again. Turning a registry to role assignments for repositories, or back, ends all of its tokens
 * at once, and nobody tells us. A new credential costs one request, which is what asking about the old one would cost.
 */
const reuseMs = 60_000;

/**
 * Mints credentials: an access token of the registry for one repository, and for pulls from some others. The registry decides how long it lives; nobody
 * can ask for another lifetime.
 *
 * @throws ACCESS_DENIED where the function's identity may not itself do what the credentials are for
 */
export async function generateCredentials(
  context: AcrContext,
  { name, permissions, alsoPull = [] }: CredentialRequest,
  call: Call,
): Promise<MintedCredentials> {
  const asked = onRepositories([
    [name, actionsOf[permissions]],
    ...alsoPull.map((each) => [each, actionsOf.pull] as const),
  ]);
  const { token, expiresAt, refreshToken } = await accessToken(context, asked, call);
  const mintedAt = call.now().getTime();
  // A refresh token that was dropped was refused: whatever came of it may have ended, too.
  const stillCounts = async (now: Date) =>
    now.getTime() - mintedAt < reuseMs && context.refreshTokens.isKept(refreshToken);
  return { authMethod: "bearer", username: "", password: token, expiresAt, scope: "repository", stillCounts };
}

/** For each action, the role that allows it on a whole registry (RBAC), and the one that may be narrower (ABAC). */
const roles = {
  pull: ["AcrPull", "Container Registry Repository Reader"],
  push: ["AcrPush", "Container Registry Repository Writer"],
  metadata_read: ["AcrPull", "Container Registry Repository Reader"],
  delete: ["AcrDelete", "Container Registry Repository Contributor"],
} as const;

/** An action that we ask for in a token of the registry (Azure/acr, AAD-OAuth). */
export type Action = keyof typeof roles;

/** The hint that names the missing roles. It names those of both modes: from outside nobody can tell a registry's mode. */
export function missingRoles(actions: readonly Action[], ...repositories: readonly string[]): string {
  const named = (mode: 0 | 1) => [...new Set(actions.map((action) => roles[action][mode]))].join(" and ");
  const which = `${repositories.length > 1 ? "repositories" : "repository"} ${repositories.join(" and ")}`;
  const where = repositories.length === 0 ? "" : ` (one whose condition covers the ${which})`;
  return (
    `Assign to the function's identity, on the registry, ${named(0)}; where the registry takes role assignments for ` +
    `repositories (ABAC), ${named(1)}${where}. A new role assignment may take 10 minutes to count.`
  );
}

/** What a token is asked for. */
export interface AccessRequest {
  readonly access: readonly Access[];
  /** The hint for an identity that may not do this part of it. */
  hint(missing: readonly Access[]): string;
}

/** Asks for actions on repositories, each of which is there once. */
export function onRepositories(
  wanted: readonly (readonly [name: RoutableName, actions: readonly Action[]])[],
): AccessRequest {
  const hint = (missing: readonly Access[]) => {
    const lacking = new Set(missing.flatMap(({ actions }) => actions));
    const actions = (Object.keys(roles) as Action[]).filter((action) => lacking.has(action));
    return missingRoles(actions, ...missing.map(({ name }) => name));
  };
  return { access: wanted.map(([name, actions]) => ({ type: "repository", name, actions })), hint };
}

/** Asks for actions on one repository. */
export function onRepository(name: RoutableName, actions: readonly Action[]): AccessRequest {
  return onRepositories([[name, actions]]);
}

export interface AccessToken {
  readonly token: Secret;
  readonly expiresAt: Date;
}

/** A token, and the refresh token that we exchanged for it. */
interface MintedToken extends AccessToken {
  readonly refreshToken: Secret;
}

/** A token as the registry gave it. Nobody has compared yet what it opens with what was asked. */
export interface GrantedToken extends AccessToken {
  readonly access: readonly Access[];
}

/**
 * Gets a token of the registry for exactly this access.
 *
 * @throws ACCESS_DENIED naming the roles that are missing, and for a token that opens anything else
 */
export async function accessToken(context: AcrContext, asked: AccessRequest, call: Call): Promise<MintedToken> {
  const { granted, fresh, refreshToken } = await grantedToken(context, asked, call);
  const { missing, more } = compareAccess(granted.access, asked.access);
  if (missing.length === 0 && !more) return { ...granted, refreshToken };
  if (missing.length === 0 || fresh) throw denied(asked, missing);
  // A refresh token remembers the roles that the identity had at its exchange. Only a new one knows of later roles.
  context.refreshTokens.drop(refreshToken);
  const again = await grantedToken(context, asked, call);
  const difference = compareAccess(again.granted.access, asked.access);
  if (difference.missing.length > 0 || difference.more) throw denied(asked, difference.missing);
  return { ...again.granted, refreshToken: again.refreshToken };
}

/**
 * Gets a token of the registry for whatever part of this access the identity has, to look at. It must never be handed
 * out, because nobody has compared what it opens with what was asked.
 *
 * @returns also the refresh token that we exchanged for it, and whether that one was made for this call
 */
export async function grantedToken(
  context: AcrContext,
  asked: AccessRequest,
  call: Call,
): Promise<{ readonly granted: GrantedToken; readonly refreshToken: Secret; readonly fresh: boolean }> {
  const kept = await context.refreshTokens.get(call);
  try {
    const granted = await requestToken(context, kept.token, asked, call);
    return { granted, refreshToken: kept.token, fresh: kept.fresh };
  } catch (error) {
    if (kept.fresh || !(error instanceof ArtifactRegistryError) || error.code !== "ACCESS_DENIED") throw error;
    // The registry may have forgotten the token that we kept. A new one shows whether that was the only reason.
    context.refreshTokens.drop(kept.token);
  }
  const { token, fresh } = await context.refreshTokens.get(call);
  return { granted: await requestToken(context, token, asked, call), refreshToken: token, fresh };
}

const what = "ACR access token";

async function requestToken(
  context: AcrContext,
  refreshToken: Secret,
  { access, hint }: AccessRequest,
  call: Call,
): Promise<GrantedToken> {
  const ifDenied = hint(access);
  const revealed = refreshToken.reveal();
  const { json } = await requestRegistry(context, call, {
    what,
    hint: ifDenied,
    path: "/oauth2/token",
    method: "POST",
    form: {
      grant_type: "refresh_token",
      scope: access.map(({ type, name, actions }) => `${type}:${name}:${actions.join(",")}`),
      refresh_token: revealed,
    },
    expect: [200],
  });
  const token = textIn(json, "access_token");
  const claims = token === undefined ? undefined : readAcrClaims(token);
  // A token without an access claim is not an access token. It may even be the refresh token.
  if (token === undefined || claims?.access === undefined || token === revealed) throw unexpected(what);
  if (claims.expiresAt.getTime() <= call.now().getTime()) throw unexpected(what);
  return { token: new Secret(token), expiresAt: claims.expiresAt, access: claims.access };
}

interface AcrClaims {
  readonly expiresAt: Date;
  /** Absent in tokens that can only be exchanged for other tokens. */
  readonly access?: readonly Access[];
}

/** @returns undefined for what is not a token of the registry. Each of its tokens says when it ends */
export function readAcrClaims(token: string): AcrClaims | undefined {
  const { expiresAt, access } = readRegistryClaims(token) ?? {};
  if (expiresAt === undefined || access === "unreadable") return undefined;
  return { expiresAt, ...(access && { access }) };
}

/** @param missing what the registry did not grant; if that is nothing, it granted more than was asked */
function denied({ hint }: AccessRequest, missing: readonly Access[]): ArtifactRegistryError {
  if (missing.length === 0) {
    return new ArtifactRegistryError(
      "ACCESS_DENIED",
      "The registry granted more than was asked, so the token is not handed out.",
      {
        hint: "Check what is between the function and the registry, because a registry of Azure grants no more than was asked.",
      },
    );
  }
  const lacking = [...new Set(missing.flatMap(({ actions }) => actions))];
  const catalog = missing.find(({ type }) => type !== "repository");
  const refused = catalog ? `read its ${catalog.name}` : lacking.join(" and ");
  return new ArtifactRegistryError("ACCESS_DENIED", `The registry does not let the function ${refused}.`, {
    hint: hint(missing),
    context: { missing: lacking.join(",") },
  });
}
