import { randomUUID } from "node:crypto";
import type { JWTPayload } from "jose";
import type { Access } from "../../../../oci/token/index.ts";
import { Signer } from "../identity/signer.ts";
import type { Right } from "./permissions.ts";
import type { Registry } from "./registry.ts";

export interface Lifetimes {
  refreshSeconds: number;
  accessSeconds: number;
}

/** The tokens of container registries. Each is for one registry, by its login server and its own id. */
export class RegistryTokens {
  readonly signer = new Signer();
  readonly #clock: () => Date;
  readonly #lifetimes: Lifetimes;
  /** The mode that a registry had when each token was made: with another mode of role assignments, all tokens end at once. */
  readonly #modes = new Map<string, Registry["mode"]>();

  constructor(clock: () => Date, lifetimes: Lifetimes) {
    this.#clock = clock;
    this.#lifetimes = lifetimes;
  }

  /** What stands for a principal at a registry. It remembers the rights on the whole registry that were had when it was made. */
  refresh(registry: Registry, principalId: string, tenant: string, rights: readonly Right[]): Promise<string> {
    return this.#sign(registry, principalId, this.#lifetimes.refreshSeconds, {
      grant_type: "refresh_token",
      tenant,
      permissions: { actions: rights, notActions: [] },
    });
  }

  /** What opens exactly this. */
  access(registry: Registry, subject: string, access: readonly Access[]): Promise<string> {
    return this.#sign(registry, subject, this.#lifetimes.accessSeconds, { grant_type: "access_token", access });
  }

  /** The object id of who a refresh token stands for; nothing where it is worth nothing here. */
  async readRefresh(
    registry: Registry,
    token: string,
  ): Promise<{ principalId: string; rights: readonly Right[] } | undefined> {
    const claims = await this.#read(registry, token, "refresh_token");
    if (claims === undefined) return undefined;
    const { actions } = claims.permissions as { actions: readonly Right[] };
    return { principalId: claims.sub ?? "", rights: actions };
  }

  async readAccess(
    registry: Registry,
    token: string,
  ): Promise<{ subject: string; access: readonly Access[] } | undefined> {
    const claims = await this.#read(registry, token, "access_token");
    return claims && { subject: claims.sub ?? "", access: claims.access as readonly Access[] };
  }

  #sign({ loginServer, rid, mode }: Registry, subject: string, seconds: number, claims: JWTPayload): Promise<string> {
    const now = Math.floor(this.#clock().getTime() / 1000);
    const jti = randomUUID();
    this.#modes.set(jti, mode);
    return this.signer.sign({
      jti,
      sub: subject,
      nbf: now,
      exp: now + seconds,
      iat: now,
      iss: "Azure Container Registry",
      aud: loginServer,
      version: "1.0",
      rid,
      ...claims,
      roles: [],
    });
  }

  async #read({ loginServer, rid, mode }: Registry, token: string, grantType: string): Promise<JWTPayload | undefined> {
    const claims = await this.signer.read(token, this.#clock());
    if (typeof claims === "string") return undefined;
    const isOurs = claims.aud === loginServer && claims.rid === rid && claims.grant_type === grantType;
    return isOurs && this.#modes.get(claims.jti ?? "") === mode ? claims : undefined;
  }
}
