import { parseRoute } from "../../../../oci/registry/route.ts";
import { listNames } from "../acr/listing.ts";
import { unknownRepository } from "../acr/refusals.ts";
import { authenticate, permit, type RegistryCall } from "../acr/request.ts";
import { AzureError } from "../errors.ts";
import type { Answer } from "../http/answer.ts";
import { takeDeletion, takePush } from "./push.ts";

const PULL = ["pull"];
const PUSH = ["pull", "push"];

/** What each kind of request needs of the token; nothing is answered with 405. Tags are metadata, not content. */
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  "GET manifest": PULL,
  "HEAD manifest": PULL,
  "PUT manifest": PUSH,
  "DELETE manifest": ["delete"],
  "GET blob": PULL,
  "HEAD blob": PULL,
  "DELETE blob": ["delete"],
  "POST uploads": PUSH,
  "GET upload": PUSH,
  "PATCH upload": PUSH,
  "PUT upload": PUSH,
  "DELETE upload": PUSH,
  "GET tags": ["metadata_read"],
  "GET referrers": PULL,
};

/** Answers one request of the distribution protocol, by the token's access alone. Nothing where it was answered already. */
export async function serveDistribution(call: RegistryCall, path: string): Promise<Answer | undefined> {
  const { registry, method, req, res, query } = call;
  const route = parseRoute(path);
  if (route?.kind === "base") {
    await authenticate(call, undefined);
    return { status: 200, body: {}, headers: { "Docker-Distribution-Api-Version": "registry/2.0" } };
  }
  if (route?.kind === "catalog") {
    await permit(call, { type: "registry", name: "catalog", actions: ["*"] });
    return listNames(call, [...registry.repositories.keys()], (repositories) => ({ repositories }));
  }
  if (route === undefined || route.kind === "token" || route.kind === "repository") {
    throw new AzureError(404, "UNSUPPORTED", "There is no such path.");
  }
  const actions = ACTIONS[`${method} ${route.kind}`];
  if (actions === undefined) throw new AzureError(405, "UNSUPPORTED", "The operation is unsupported.");
  await permit(call, { type: "repository", name: route.name, actions });
  const repository = registry.repositories.get(route.name);
  if (method === "PUT" && route.kind === "manifest") return takePush(call, route.name, route.tail);
  if (route.kind === "tags" || (method === "DELETE" && route.kind === "manifest")) {
    if (repository === undefined) throw unknownRepository(route.name);
    if (method === "DELETE") return takeDeletion(call, repository, route.tail);
  }
  if (repository?.locks.readEnabled === false && actions === PULL) {
    throw new AzureError(405, "UNSUPPORTED", "The operation is disallowed on this registry, repository or image.");
  }
  // No blob crosses from one repository to another: a mount is an upload like any.
  query.delete("mount");
  query.delete("from");
  req.url = query.size === 0 ? path : `${path}?${query}`;
  (await call.backing()).handle(route.name, req, res);
  return undefined;
}
