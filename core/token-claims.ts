/** One permission that a registry's token carries (distribution, "Token Authentication Implementation": `access`). */
export interface Access {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/**
 * Reads a token's claims, and does not verify its signature. It is for tokens that came over TLS from their issuer itself, and
 * for those that somebody else has verified. This is the only decoder of the suite: the one of `jose` would add 6 KiB of
 * error classes to every cold start.
 *
 * @returns undefined for what is not a JWT
 */
export function decodeClaims(token: string): Record<string, unknown> | undefined {
  const { 1: payload, length } = token.split(".");
  if (length !== 3 || !payload) return undefined;
  try {
    const claims: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(payload, "base64url")),
    );
    const isObject = typeof claims === "object" && claims !== null && !Array.isArray(claims);
    return isObject ? (claims as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** What a registry's token says of itself. */
export interface RegistryClaims {
  /** Absent if the token does not tell. */
  readonly expiresAt?: Date;
  /** Absent if the token does not tell; `unreadable` if it does so in a form that we do not know. */
  readonly access?: readonly Access[] | "unreadable";
}

/** Reads what a registry's token says of itself. It does not verify the signature. @returns undefined for what is not a JWT */
export function readRegistryClaims(token: string): RegistryClaims | undefined {
  const claims = decodeClaims(token);
  if (claims === undefined) return undefined;
  const expiresAt = typeof claims.exp === "number" ? new Date(claims.exp * 1_000) : undefined;
  return {
    ...(expiresAt && !Number.isNaN(expiresAt.getTime()) && { expiresAt }),
    ...(claims.access !== undefined && { access: readAccess(claims.access) }),
  };
}

/** Reads the `access` claim. `null` means an empty list there, because services that are written in Go write it so. */
function readAccess(access: unknown): readonly Access[] | "unreadable" {
  if (access === null) return [];
  if (!Array.isArray(access)) return "unreadable";
  const read = access.map((entry: unknown) => {
    const { type, name, actions = [] } = (entry ?? {}) as Record<string, unknown>;
    const list: unknown = actions ?? [];
    const known = typeof type === "string" && typeof name === "string" && Array.isArray(list);
    return known && list.every((action) => typeof action === "string") ? { type, name, actions: list } : undefined;
  });
  return read.every((entry) => entry !== undefined) ? read : "unreadable";
}

/** How the access that was granted differs from the access that was asked for. */
export interface AccessDifference {
  /** What was asked for and not granted. Each entry holds the actions that are missing, at least one. */
  readonly missing: readonly Access[];
  /** Whether anything was granted that nobody asked for: another repository, another action, a wildcard. */
  readonly more: boolean;
}

/** Compares grants by what they open, not by how they are written down. */
export function compareAccess(granted: readonly Access[], asked: readonly Access[]): AccessDifference {
  const [has, wants] = [new Set(granted.flatMap(atoms)), new Set(asked.flatMap(atoms))];
  const missing = asked
    .map((each) => ({ ...each, actions: each.actions.filter((action) => !has.has(atom(each, action))) }))
    .filter(({ actions }) => actions.length > 0);
  return { missing, more: [...has].some((each) => !wants.has(each)) };
}

function atoms(access: Access): string[] {
  return access.actions.map((action) => atom(access, action));
}

function atom({ type, name }: Access, action: string): string {
  return JSON.stringify([type, name, action]);
}
