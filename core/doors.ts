import { createHash, timingSafeEqual } from "node:crypto";
import type { Claimed, TokenReason } from "./audit.ts";
import { type AuthenticatedCaller, type Caller, doorCaller } from "./caller.ts";
import { ArtifactRegistryError } from "./errors.ts";
import type { OperationKind } from "./operation.ts";

/**
 * One way into a deployed function. Its configuration, never the shape of an event, tells who may have sent what arrives.
 * The same code is deployed once per door, each time with the least rights that the door needs.
 */
export interface Door {
  readonly name: DoorName;
  /** The only way in that this door opens. */
  readonly accepts: "http" | "invoke" | "events";
  /** @throws AUTHENTICATION_ERROR, or SERVICE_UNAVAILABLE while an issuer cannot be asked */
  authenticate(request: CallerEvidence): Promise<AuthenticatedCaller>;
  /** Tells whether operations of this kind may pass. */
  admits(kind: OperationKind): boolean;
  /**
   * Tells whether the door can tell callers apart yet. Absent where it always can.
   *
   * @returns what is wrong although callers can be let in
   * @throws SERVICE_UNAVAILABLE while nobody can be let in
   */
  ready?(): Promise<readonly ArtifactRegistryError[]>;
  /** The issuers whose tokens the door takes, where it takes any. */
  readonly issuers?: readonly string[];
}

export const doorNames = ["platform", "oidc", "invoke", "events", "provision", "local"] as const;
export type DoorName = (typeof doorNames)[number];

/** What a request carries to prove who sent it. */
export interface CallerEvidence {
  /** The `Authorization` header, as it came. */
  readonly authorization?: string | undefined;
  /**
   * The caller whom the platform in front of the function authenticated. Only a handler sets it, from its platform's own word. It is a
   * function where the handler verifies the platform's token itself.
   */
  readonly platformCaller?: Caller | (() => Promise<AuthenticatedCaller>) | undefined;
}

const runtimeOnly = (kind: OperationKind) => kind !== "provision";

/** A door for HTTP behind the platform's own authentication. */
export function platformDoor(): Door {
  return {
    name: "platform",
    accepts: "http",
    admits: runtimeOnly,
    async authenticate({ platformCaller }) {
      if (platformCaller) return typeof platformCaller === "function" ? platformCaller() : platformCaller;
      throw new Unauthenticated("NO_PLATFORM_CALLER", "The platform named no caller.", {
        hint: "Call with the platform's own authentication.",
      });
    },
  };
}

/** A door for public HTTP: only a verified token counts, and platform headers are ignored. */
export function oidcDoor(verify: Verify): Door {
  return {
    name: "oidc",
    accepts: "http",
    admits: runtimeOnly,
    authenticate: async ({ authorization }) => verify(bearer(authorization)),
    ...(verify.ready && { ready: verify.ready }),
    ...(verify.issuers && { issuers: verify.issuers }),
  };
}

type Verify = ((token: string) => Promise<AuthenticatedCaller>) & Pick<Door, "ready" | "issuers">;

/** A door where the platform itself decides who may enter: direct invocations, events, provisioning. All its callers are one. */
export function trustedDoor(name: "invoke" | "events" | "provision"): Door {
  const caller = doorCaller(name);
  return {
    name,
    accepts: name === "events" ? "events" : "invoke",
    admits: name === "provision" ? (kind) => kind !== "runtime" : runtimeOnly,
    authenticate: async () => caller,
  };
}

/** The door of the local server: whoever holds the caller token may run every operation. */
export function localDoor(callerToken: string): Door {
  const expected = digest(callerToken);
  const caller = doorCaller("local");
  return {
    name: "local",
    accepts: "http",
    admits: () => true,
    async authenticate({ authorization }) {
      if (timingSafeEqual(digest(bearer(authorization)), expected)) return caller;
      throw new Unauthenticated("TOKEN_WRONG", "The caller token is wrong.", {
        hint: "Send the token that the server printed when it started.",
      });
    },
  };
}

/** Reads the value of `ALIEN_DOOR`. @throws BINDING_CONFIG_INVALID for a value that is no door */
export function parseDoorName(value: string | undefined): Exclude<DoorName, "local"> {
  const name = doorNames.find((each) => each === value);
  if (name !== undefined && name !== "local") return name;
  throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", `ALIEN_DOOR must name this function's door.`, {
    hint: `One of ${doorNames.filter((each) => each !== "local").join(", ")}.`,
  });
}

function bearer(authorization: string | undefined): string {
  const token = /^Bearer +([^\s]+) *$/i.exec(authorization ?? "")?.[1];
  if (token !== undefined) return token;
  throw new Unauthenticated("NO_TOKEN", "A bearer token is required.", {
    hint: "Send it as Authorization: Bearer <token>.",
  });
}

// timingSafeEqual needs equal lengths. Digests have one length, and hide the token's own.
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** A caller who could not be authenticated. The audit log tells more of it than the answer does. */
export class Unauthenticated extends ArtifactRegistryError {
  readonly reason: TokenReason;
  /** What the token says of itself, which nobody vouches for. */
  readonly claimed: Claimed | undefined;

  constructor(
    reason: TokenReason,
    message: string,
    {
      hint,
      claimed,
      cause,
    }: { readonly hint: string; readonly claimed?: Claimed | undefined; readonly cause?: unknown },
  ) {
    super("AUTHENTICATION_ERROR", message, { hint, cause });
    this.reason = reason;
    this.claimed = claimed;
  }
}
