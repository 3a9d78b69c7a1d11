import { decodeJwt } from "jose";
import { ArtifactRegistryError } from "../../../core/errors.ts";

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
  const claims = decode(token);
  if (claims === undefined) return { tellAccess: false };
  const expiresAt = typeof claims.exp === "number" ? { expiresAt: claims.exp * 1_000 } : {};
  if (!("access" in claims)) return { ...expiresAt, tellAccess: false };
  const granted = readAccess(claims.access);
  const wanted = new Set(actions.map((action) => `repository:${name}:${action}`));
  if (granted.some((each) => !wanted.has(each))) {
    throw new ArtifactRegistryError("CLOUD_PLATFORM_ERROR", "The token service granted more than was asked for.", {
      hint: "A token that opens more than it says is not handed out. See what the account is allowed, and how.",
      context: { asked: [...wanted].join(" ") },
    });
  }
  if (new Set(granted).size < wanted.size) {
    throw new ArtifactRegistryError("ACCESS_DENIED", "The token service granted less than was asked for.", {
      hint: `Give the binding's ${actions.includes("push") ? "pushAccount" : "pullAccount"} the right at the registry.`,
      context: { asked: [...wanted].join(" ") },
    });
  }
  return { ...expiresAt, tellAccess: true };
}

function decode(token: string): Record<string, unknown> | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}

/** Each action on each resource. What is not understood counts as more than was asked for. */
function readAccess(access: unknown): string[] {
  if (access === null) return [];
  if (!Array.isArray(access)) return ["?"];
  return access.flatMap((entry: unknown) => {
    const { type, name, actions } = (entry ?? {}) as Record<string, unknown>;
    if (actions === null || actions === undefined) return [];
    return Array.isArray(actions)
      ? actions.map((action) => `${String(type)}:${String(name)}:${String(action)}`)
      : ["?"];
  });
}
