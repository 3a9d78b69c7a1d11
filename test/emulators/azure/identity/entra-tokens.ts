import { randomBytes, randomUUID } from "node:crypto";
import { AzureError } from "../errors.ts";
import type { Cloud } from "./clouds.ts";
import type { Directory, Principal } from "./directory.ts";
import { Signer } from "./signer.ts";

export const ACR_AUDIENCE = "https://containerregistry.azure.net";
/** More of Microsoft's own resources that tokens are given for. */
const OTHERS = ["https://servicebus.azure.net", "https://eventgrid.azure.net"];

/**
 * Entra dates its access tokens back: the sample of the documentation lives 3,900 seconds from `iat` to `exp`, and 3,600 from now on.
 * @see https://learn.microsoft.com/entra/identity-platform/access-tokens
 */
const BACKDATED_SECONDS = 300;

export interface NewToken {
  readonly token: string;
  readonly expiresAt: Date;
}

/**
 * Access tokens of Microsoft Entra ID. They end by the machine's clock, which the emulator's `advance` does not move:
 * the clients that cache them go by it.
 */
export class EntraTokens {
  readonly signer = new Signer();
  readonly #directory: Directory;
  readonly #firstParty: readonly string[];
  /** Where the tenant's own endpoints are; known when they listen. */
  authority = "";

  constructor(directory: Directory, { armAudiences }: Cloud) {
    this.#directory = directory;
    this.#firstParty = [ACR_AUDIENCE, ...armAudiences, ...OTHERS];
  }

  /** A token for a resource, by its identifier. @throws AzureError AADSTS500011 where the tenant has no such resource */
  async issue(principal: Principal, resource: string, seconds: number): Promise<NewToken> {
    const { tenantId } = this.#directory;
    const now = Math.floor(Date.now() / 1000);
    const exp = now + seconds;
    const application = this.#directory.application(resource);
    if (application === undefined && !this.#firstParty.includes(trimmed(resource))) {
      throw new AzureError(
        400,
        "invalid_resource",
        `AADSTS500011: The resource principal named ${resource} was not found in the tenant named ${tenantId}.`,
      );
    }
    const roles = application?.assigned.get(principal.principalId);
    const claims = {
      aud: application?.clientId ?? resource,
      iss: application === undefined ? `https://sts.windows.net/${tenantId}/` : `${this.authority}/${tenantId}/v2.0`,
      iat: now - BACKDATED_SECONDS,
      nbf: now - BACKDATED_SECONDS,
      exp,
      aio: randomBytes(24).toString("base64url"),
      ...(application === undefined
        ? { appid: principal.clientId, appidacr: "2", idp: `https://sts.windows.net/${tenantId}/`, ver: "1.0" }
        : { azp: principal.clientId, azpacr: "2", ver: "2.0" }),
      idtyp: principal.type === "User" ? "user" : "app",
      oid: principal.principalId,
      sub: principal.principalId,
      tid: tenantId,
      uti: randomUUID(),
      ...(principal.resourceId === undefined ? {} : { xms_mirid: principal.resourceId }),
      ...(roles === undefined ? {} : { roles }),
    };
    return { token: await this.signer.sign(claims), expiresAt: new Date(exp * 1000) };
  }

  /** Whose token this is, if it is for one of these audiences; why it is worth nothing, in a word, for any other. */
  async read(
    token: string,
    audiences: readonly string[],
  ): Promise<{ principal: Principal } | "invalid" | "expired" | "audience"> {
    const claims = await this.signer.read(token, new Date());
    if (typeof claims === "string") return claims;
    if (typeof claims.aud !== "string" || !audiences.includes(trimmed(claims.aud))) return "audience";
    const principal = typeof claims.oid === "string" ? this.#directory.principal(claims.oid) : undefined;
    return principal === undefined ? "invalid" : { principal };
  }
}

/** Resources are the same with and without a slash at their end. */
const trimmed = (resource: string) => resource.replace(/\/$/, "");
