import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import { Secret } from "../../../core/secret.ts";
import { type Access, compareAccess, readRegistryClaims } from "../../../core/token-claims.ts";
import { unexpected } from "../errors.ts";
import { registryUrl } from "../place.ts";
import type { AcrContext } from "./context.ts";
import { askRegistry, textOf } from "./http.ts";
import { type Action, missingRoles } from "./roles.ts";

const what = "ACR access token";

export interface AccessToken {
  readonly token: Secret;
  readonly expiresAt: Date;
}

/** What the registry gave, before anybody has judged whether it is what was asked. */
export interface Granted extends AccessToken {
  readonly access: readonly Access[];
}

/** What a token is asked for. */
export interface Asked extends Access {
  /** Who lacks which right, where these of the actions are not granted. */
  hint(lacking: readonly string[]): string;
}

/** Actions on one repository. */
export function onRepository(name: RoutableName, actions: readonly Action[]): Asked {
  const hint = (lacking: readonly string[]) =>
    missingRoles(
      actions.filter((action) => lacking.includes(action)),
      name,
    );
  return { type: "repository", name, actions, hint };
}

/**
 * A token of the registry for exactly this.
 *
 * @throws ACCESS_DENIED naming the roles that are missing, and for a token that opens anything else
 */
export async function accessToken(context: AcrContext, asked: Asked, call: Call): Promise<AccessToken> {
  const { granted, fresh, refresh } = await anyAccess(context, asked, call);
  const { missing } = compareAccess(granted.access, asked);
  if (missing.length === 0 || fresh) return judged(granted, asked);
  // A refresh token remembers the roles of its exchange: one that was assigned since is seen only by a new one.
  context.refreshTokens.drop(refresh);
  return judged((await anyAccess(context, asked, call)).granted, asked);
}

/**
 * A token of the registry for what the identity may do of this. It is to be looked at, never handed out.
 *
 * @returns also the refresh token that bought it, and whether that was made for this call
 */
export async function anyAccess(
  context: AcrContext,
  asked: Asked,
  call: Call,
): Promise<{ readonly granted: Granted; readonly refresh: Secret; readonly fresh: boolean }> {
  const first = await context.refreshTokens.get(call);
  try {
    return { granted: await ask(context, first.token, asked, call), refresh: first.token, fresh: first.fresh };
  } catch (error) {
    if (first.fresh || !(error instanceof ArtifactRegistryError) || error.code !== "ACCESS_DENIED") throw error;
    // The registry no longer knows the token that was kept; a new one tells whether that was all.
    context.refreshTokens.drop(first.token);
  }
  const { token, fresh } = await context.refreshTokens.get(call);
  return { granted: await ask(context, token, asked, call), refresh: token, fresh };
}

async function ask(
  context: AcrContext,
  refresh: Secret,
  { type, name, actions, hint }: Asked,
  call: Call,
): Promise<Granted> {
  const { env, loginServer } = context;
  const service = await loginServer(call);
  const { json } = await askRegistry(context, call, {
    what,
    hint: hint(actions),
    url: `${registryUrl(service, env)}/oauth2/token`,
    method: "POST",
    form: {
      grant_type: "refresh_token",
      service,
      scope: `${type}:${name}:${actions.join(",")}`,
      refresh_token: refresh.reveal(),
    },
    expect: [200],
  });
  const token = textOf(json, "access_token");
  const claims = token === undefined ? undefined : readAcrClaims(token);
  // A token without an access claim is no access token: it may even be the refresh token.
  if (token === undefined || claims?.access === undefined || token === refresh.reveal()) throw unexpected(what);
  if (claims.expiresAt.getTime() <= call.now().getTime()) throw unexpected(what);
  return { token: new Secret(token), expiresAt: claims.expiresAt, access: claims.access };
}

interface AcrClaims {
  readonly expiresAt: Date;
  /** Absent in tokens that only buy others. */
  readonly access?: readonly Access[];
}

/** @returns undefined for what is no token of the registry: each of them says when it ends */
export function readAcrClaims(token: string): AcrClaims | undefined {
  const { expiresAt, access } = readRegistryClaims(token) ?? {};
  if (expiresAt === undefined || access === "unreadable") return undefined;
  return { expiresAt, ...(access && { access }) };
}

function judged({ token, expiresAt, access }: Granted, asked: Asked): AccessToken {
  const { missing, more } = compareAccess(access, asked);
  if (missing.length > 0) {
    const lacking = asked.actions.filter((action) => missing.includes(action));
    const what = asked.type === "repository" ? lacking.join(" and ") : `read its ${asked.name}`;
    throw new ArtifactRegistryError("ACCESS_DENIED", `The registry does not let the function ${what}.`, {
      hint: asked.hint(lacking),
      context: { missing: lacking.join(",") },
    });
  }
  if (more) {
    throw new ArtifactRegistryError(
      "ACCESS_DENIED",
      "The registry granted more than was asked, which is not handed out.",
      {
        hint: "See what stands between the function and the registry: a registry of Azure narrows its tokens.",
      },
    );
  }
  return { token, expiresAt };
}
