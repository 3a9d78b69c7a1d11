import type { IncomingMessage } from "node:http";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { type Application, type AzureEmulator, clientPrincipalHeaders } from "../../emulators/azure/index.ts";
import { type Front, servePlatform } from "../../support/front.ts";

/**
 * What stands before a function app, as the documentation of App Service authentication describes it. Lets requests through with a token of the tenant's for the application, and tells the function of it in headers that it
 * takes away from everybody else. By default every principal of the tenant passes.
 *
 * @param application absent where authentication is off: then everything passes as it is
 */
export async function startFront(azure: AzureEmulator, target: string, application?: Application): Promise<Front> {
  const keys = createLocalJWKSet(azure.world.entra.signer.keys() as JSONWebKeySet);
  const excluded = ["/livez", "/readyz", "/healthz", "/openapi.json"];

  /** @returns the headers to hand on, or the status with which the platform refuses */
  async function admit({ headers, url }: IncomingMessage): Promise<IncomingMessage["headers"] | 401> {
    if (application === undefined) return headers;
    const own = Object.entries(headers).filter(([name]) => !name.startsWith("x-ms-client-principal"));
    const token = /^Bearer (\S+)$/i.exec(headers.authorization ?? "")?.[1];
    if (token === undefined) return excluded.includes(url ?? "") ? Object.fromEntries(own) : 401;
    try {
      await jwtVerify(token, keys, { audience: application.clientId });
    } catch {
      return 401;
    }
    return { ...Object.fromEntries(own), ...clientPrincipalHeaders(token) };
  }

  const { hostname, port } = new URL(target);
  return servePlatform({ hostname, port }, admit);
}
