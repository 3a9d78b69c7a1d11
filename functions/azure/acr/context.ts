import type { HttpClient } from "../../../core/http-client.ts";
import type { Environment } from "../../../core/platform.ts";
import type { Arm } from "../arm/arm.ts";
import type { AcrBinding } from "../binding.ts";
import type { OwnIdentity } from "../identity.ts";
import type { AcrNames } from "../names.ts";
import type { LoginServer } from "./login-server.ts";
import type { RefreshTokens } from "./refresh-tokens.ts";

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
