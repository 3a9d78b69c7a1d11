/** One permission that a token carries, as its `access` claim tells it. */
export interface Access {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** What the registry's tokens say of themselves. */
export interface Claims {
  readonly expiresAt: Date;
  /** Absent in tokens that only buy others. */
  readonly access?: readonly Access[];
}

/**
 * Reads a token's claims without verifying its signature: it came from the registry itself, over TLS.
 *
 * @returns undefined for what is not a token of the registry
 */
export function readClaims(token: string): Claims | undefined {
  const parts = token.split(".");
  if (parts.length !== 3) return undefined;
  const claims = parse(Buffer.from(parts[1] ?? "", "base64url").toString("utf8"));
  if (claims === undefined || typeof claims.exp !== "number") return undefined;
  const expiresAt = new Date(claims.exp * 1_000);
  if (Number.isNaN(expiresAt.getTime())) return undefined;
  if (claims.access === undefined) return { expiresAt };
  if (!Array.isArray(claims.access) || !claims.access.every(isAccess)) return undefined;
  return { expiresAt, access: claims.access };
}

/** How what was granted differs from what was asked. */
export interface Difference {
  /** Actions that were asked and not granted. */
  readonly missing: readonly string[];
  /** Whether anything was granted that was not asked: another repository, another action, a wildcard. */
  readonly more: boolean;
}

/** Compares grants by what they open, not by how they are written down. */
export function compareAccess(granted: readonly Access[], asked: Access): Difference {
  const has = new Set(granted.flatMap(atoms));
  const wants = new Set(atoms(asked));
  const missing = asked.actions.filter((action) => !has.has(atom(asked, action)));
  return { missing, more: [...has].some((each) => !wants.has(each)) };
}

function atoms(access: Access): string[] {
  return access.actions.map((action) => atom(access, action));
}

function atom({ type, name }: Access, action: string): string {
  return JSON.stringify([type, name, action]);
}

function isAccess(value: unknown): value is Access {
  if (typeof value !== "object" || value === null) return false;
  const { type, name, actions } = value as Record<string, unknown>;
  if (typeof type !== "string" || typeof name !== "string" || !Array.isArray(actions)) return false;
  return actions.every((action) => typeof action === "string");
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
