import type { Call } from "../../../core/call.ts";
import type { HttpClient } from "../../../core/http-client.ts";
import type { Environment } from "../../../core/platform.ts";
import type { Secret } from "../../../core/secret.ts";
import type { Arm } from "../arm/requests.ts";
import type { AcrBinding } from "../binding.ts";
import type { OwnIdentity } from "../identity.ts";
import type { AcrNames } from "../names.ts";

/** What every part of the adapter works with. */
export interface AcrContext {
  readonly binding: AcrBinding;
  readonly names: AcrNames;
  readonly env: Environment;
  readonly identity: OwnIdentity;
  readonly http: HttpClient;
  readonly arm: Arm;
  readonly refreshTokens: RefreshTokens;
  readonly loginServer: LoginServer;
}

/** Finds the host of the registry: the one in the binding, or the one that Azure Resource Manager tells when first asked. */
export interface LoginServer {
  (call: Call): Promise<string>;
  /** Remembers the host that another request for the registry has told, so that nobody needs to ask for it. */
  learn(loginServer: string | undefined): void;
}

/** Keeps the refresh token of the registry for the function's identity. */
export interface RefreshTokens {
  /** Gets the token that is kept, or a new one. @returns the token, and whether it was made for this call */
  get(call: Call): Promise<{ readonly token: Secret; readonly fresh: boolean }>;
  /** Forgets a token that was refused, or that does not know of a new role yet. */
  drop(token: Secret): void;
  /** Tells whether this is the token that is kept: it was neither dropped nor replaced. */
  isKept(token: Secret): boolean;
}
