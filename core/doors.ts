import { createHash, timingSafeEqual } from "node:crypto";
import { type Caller, doorCaller } from "./caller.ts";
import { ArtifactRegistryError } from "./errors.ts";
import type { OperationKind } from "./operation.ts";

/**
 * A door knows by its configuration, never by an event's shape, who may have sent what it sees. The same code is
 * deployed once per door, each with the least rights that it needs.
 */
export interface Door {
  readonly name: DoorName;
  /** The way in that this door opens; every other is shut. */
  readonly accepts: "http" | "invoke" | "events";
  /** @throws AUTHENTICATION_ERROR, or SERVICE_UNAVAILABLE while an issuer cannot be asked */
  authenticate(request: CallerEvidence): Promise<Caller>;
  /** Whether operations of this kind pass here. */
  admits(kind: OperationKind): boolean;
  /**
   * Whether the door can tell callers apart yet; absent where it always can.
   *
   * @returns what is not as it should be, although callers can be let in
   * @throws SERVICE_UNAVAILABLE while nobody can be let in
   */
  ready?(): Promise<readonly ArtifactRegistryError[]>;
}

export const doorNames = ["platform", "oidc", "invoke", "events", "provision", "local"] as const;
export type DoorName = (typeof doorNames)[number];

/** What a request brings to prove who sent it. */
export interface CallerEvidence {
  /** The `Authorization` header, as it came. */
  readonly authorization?: string | undefined;
  /** Whom the platform in front of the function authenticated; the handler fills it in, and only from its platform. */
  readonly platformCaller?: Caller | undefined;
}

const runtimeOnly = (kind: OperationKind) => kind !== "provision";

/** Public HTTP behind the platform's own authentication. */
export function platformDoor(): Door {
  return {
    name: "platform",
    accepts: "http",
    admits: runtimeOnly,
    async authenticate({ platformCaller }) {
      if (platformCaller) return platformCaller;
      throw unauthenticated("The platform named no caller.", "Call with the platform's own authentication.");
    },
  };
}

/** Public HTTP where only a verified token counts; whatever a platform header claims is worth nothing. */
export function oidcDoor(verify: Verify): Door {
  return {
    name: "oidc",
    accepts: "http",
    admits: runtimeOnly,
    authenticate: async ({ authorization }) => verify(bearer(authorization)),
    ...(verify.ready && { ready: verify.ready }),
  };
}

type Verify = ((token: string) => Promise<Caller>) & Pick<Door, "ready">;

/** Doors whose senders the platform lets in one and all: direct invocations, events, provisioning. */
export function trustedDoor(name: "invoke" | "events" | "provision"): Door {
  return {
    name,
    accepts: name === "events" ? "events" : "invoke",
    admits: name === "provision" ? (kind) => kind !== "runtime" : runtimeOnly,
    authenticate: async () => doorCaller(name),
  };
}

/** The local server: the caller is whoever holds the caller token, and every operation passes. */
export function localDoor(callerToken: string): Door {
  const expected = digest(callerToken);
  return {
    name: "local",
    accepts: "http",
    admits: () => true,
    async authenticate({ authorization }) {
      if (timingSafeEqual(digest(bearer(authorization)), expected)) return doorCaller("local");
      throw unauthenticated("The caller token is wrong.", "Send the token that the server printed when it started.");
    },
  };
}

/** @throws BINDING_CONFIG_INVALID for a value that is no door */
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
  throw unauthenticated("A bearer token is required.", "Send it as Authorization: Bearer <token>.");
}

// Digests have one length, which timingSafeEqual wants, and hide the token's own.
function digest(text: string): Buffer {
  return createHash("sha256").update(text, "utf8").digest();
}

function unauthenticated(message: string, hint: string): ArtifactRegistryError {
  return new ArtifactRegistryError("AUTHENTICATION_ERROR", message, { hint });
}
