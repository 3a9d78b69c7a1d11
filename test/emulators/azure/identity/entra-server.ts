import type { IncomingMessage, ServerResponse } from "node:http";
import { bodyOf } from "../../aws/data-plane/request.ts";
import { AzureError } from "../errors.ts";
import { type Answer, answerCall } from "../http/answer.ts";
import type { Certificate } from "../http/certificates.ts";
import { guarded, type Listening, listen } from "../http/listen.ts";
import type { World } from "../world.ts";
import { clientCredentials, entraForm, openidConfiguration } from "./entra.ts";

/** Microsoft Entra ID, of one tenant. Clients take it as their authority host. */
export async function serveEntra(world: World, certificate: Certificate): Promise<Listening> {
  const server = await listen(
    guarded((req, res) => handle(world, req, res)),
    certificate,
  );
  world.entra.authority = server.url;
  return server;
}

async function handle(world: World, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { pathname } = new URL(req.url ?? "/", world.entra.authority);
  const [, tenant = "", path = ""] = /^\/([^/]+)\/(.+)$/.exec(pathname) ?? [];
  const form = new URLSearchParams((await bodyOf(req)).toString());
  const shown = { tenant, client_id: form.get("client_id") ?? undefined, scope: form.get("scope") ?? undefined };
  const record = world.record("entra", `${req.method} ${path}`, shown);
  await answerCall(world, record, { req, res, form: entraForm }, async (): Promise<Answer> => {
    const { tenantId } = world.directory;
    if (tenant.toLowerCase() !== tenantId) {
      throw new AzureError(400, "invalid_request", `AADSTS90002: Tenant '${tenant}' not found.`);
    }
    switch (`${req.method} ${path}`) {
      case "GET v2.0/.well-known/openid-configuration":
        return { status: 200, body: openidConfiguration(world.entra.authority, tenantId) };
      case "GET discovery/v2.0/keys":
        return { status: 200, body: world.entra.signer.keys() };
      case "POST oauth2/v2.0/token":
        return clientCredentials(world, form, record);
      default:
        throw new AzureError(404, "not_found", "There is no such path.");
    }
  });
}
