import { randomBytes } from "node:crypto";
import type { Call } from "../call.ts";
import type { RegistryToken } from "../world.ts";
import { authorizeRegistry } from "./authorize.ts";

const TOKEN_MS = 12 * 60 * 60 * 1000;

export async function getAuthorizationToken(call: Call): Promise<object> {
  await authorizeRegistry(call);
  const { token, expiresAt } = issueToken(call, "ecr");
  const asked = call.input.texts("registryIds");
  const ids = asked.length === 0 ? [call.account] : asked;
  const authorizationData = ids.map((id) => ({
    authorizationToken: token,
    expiresAt,
    proxyEndpoint: `https://${call.world.registry(id, call.region).host}`,
  }));
  return { authorizationData };
}

/** A token for the caller, in the form that clients decode: `AWS:<password>`. */
export function issueToken(call: Call, service: RegistryToken["service"]): { token: string; expiresAt: Date } {
  const password = `emulator-token-${randomBytes(24).toString("base64url")}`;
  const expiresAt = new Date(call.world.clock().getTime() + TOKEN_MS);
  call.world.tokens.set(password, { principal: call.principal, service, region: call.region, expiresAt });
  return { token: Buffer.from(`AWS:${password}`).toString("base64"), expiresAt };
}
