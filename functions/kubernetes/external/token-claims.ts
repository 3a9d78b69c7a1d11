import { ArtifactRegistryError } from "../../../core/errors.ts";
import { compareAccess, readRegistryClaims } from "../../../core/token-claims.ts";

export interface Wanted {
  readonly name: string;
  readonly actions: readonly string[];
}

export interface Claims {
  /** Milliseconds since the epoch; absent where the token does not tell. */
  readonly expiresAt?: number;
  /** Whether the token says what it opens, and that is exactly what was asked for. */
  readonly tellAccess: boolean;
}

/**
 * Checks a token's claims against what was asked for (distribution, "Token Authentication Implementation": `access`).
 * The signature is the registry's to check. A token that is no JWT, or one without `access`, tells nothing.
 *
 * @throws ACCESS_DENIED where the service granted less, CLOUD_PLATFORM_ERROR where it granted more
 */
export function checkClaims(token: string, { name, actions }: Wanted): Claims {
  const { expiresAt: end, access } = readRegistryClaims(token) ?? {};
  const expiresAt = end && { expiresAt: end.getTime() };
  if (access === undefined) return { ...expiresAt, tellAccess: false };
  const asked = { type: "repository", name, actions };
  const context = { asked: actions.map((action) => `repository:${name}:${action}`).join(" ") };
  // What cannot be read may open anything.
  const { missing, more } = access === "unreadable" ? { missing: [], more: true } : compareAccess(access, asked);
  if (more) {
    throw new ArtifactRegistryError("CLOUD_PLATFORM_ERROR", "The token service granted more than was asked for.", {
      hint: "A token that opens more than it says is not handed out. See what the account is allowed, and how.",
      context,
    });
  }
  if (missing.length > 0) {
    throw new ArtifactRegistryError("ACCESS_DENIED", "The token service granted less than was asked for.", {
      hint: `Give the binding's ${actions.includes("push") ? "pushAccount" : "pullAccount"} the right at the registry.`,
      context,
    });
  }
  return { ...expiresAt, tellAccess: true };
}
