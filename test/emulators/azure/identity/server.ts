import { answerCall } from "../http/answer.ts";
import { guarded, type Listening, listen } from "../http/listen.ts";
import type { World } from "../world.ts";
import { getToken, managedIdentityForm } from "./managed-identity.ts";

/** The managed-identity endpoint of every app: the secret in the header tells which. */
export function serveManagedIdentity(world: World): Promise<Listening> {
  return listen(
    guarded(async (req, res) => {
      const url = new URL(req.url ?? "/", "http://identity");
      if (url.pathname !== "/msi/token" || req.method !== "GET") return void res.writeHead(404).end();
      const record = world.record("identity", "getToken", Object.fromEntries(url.searchParams));
      await answerCall(world, record, { req, res, form: managedIdentityForm }, () =>
        getToken(world, req, url.searchParams, record),
      );
    }),
  );
}
