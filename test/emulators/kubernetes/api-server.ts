import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Authority } from "../azure/http/certificates.ts";
import { createSecrets } from "./secrets.ts";
import type { ServiceAccounts } from "./service-accounts.ts";
import { Refusal, refuse } from "./status.ts";

/** What a Role and its binding allow one subject: verbs on one Secret, by its name. */
export interface Grant {
  readonly subject: string;
  readonly namespace: string;
  readonly resourceName: string;
  readonly verbs: readonly ("get" | "update")[];
}

export interface ApiServer {
  readonly url: string;
  readonly secrets: ReturnType<typeof createSecrets>;
  /** `METHOD path status`, in order. */
  readonly requests: string[];
  grants: Grant[];
  /** Answers, or changes something, before a request is looked at; answers `true` when it has answered. */
  before: ((request: IncomingMessage, response: ServerResponse) => boolean | undefined) | undefined;
  stop(): Promise<void>;
}

/**
 * The part of kube-apiserver that pods of ours talk to: Secrets by name under RBAC, and the cluster's keys. HTTPS only,
 * under a CA of its own; who brings no token of the cluster, for the API server's audience, is nobody.
 */
export async function startApiServer(accounts: ServiceAccounts, authority: Authority): Promise<ApiServer> {
  const secrets = createSecrets();
  const respond = async (request: IncomingMessage): Promise<{ status: number; type: string; body: object }> => {
    const user = await accounts.authenticate(request.headers.authorization);
    if (user === undefined) throw refuse(401, "Unauthorized", "Unauthorized");
    const path = request.url ?? "";
    if (path === "/openid/v1/jwks") return { status: 200, type: "application/jwk-set+json", body: accounts.keys };
    const [, namespace = "", name = ""] = /^\/api\/v1\/namespaces\/([^/]+)\/secrets\/([^/]+)$/.exec(path) ?? [];
    const verb = { GET: "get", PUT: "update" }[request.method ?? ""] as "get" | "update" | undefined;
    if (name === "" || verb === undefined)
      throw refuse(404, "NotFound", "the server could not find the requested resource");
    const allowed = api.grants.some(
      (each) =>
        each.subject === user &&
        each.namespace === namespace &&
        each.resourceName === name &&
        each.verbs.includes(verb),
    );
    if (!allowed) {
      const what = `cannot ${verb} resource "secrets" in API group "" in the namespace "${namespace}"`;
      throw refuse(403, "Forbidden", `secrets "${name}" is forbidden: User "${user}" ${what}`);
    }
    const body = verb === "get" ? secrets.get(namespace, name) : secrets.put(namespace, name, await sent(request));
    return { status: 200, type: "application/json", body };
  };
  const server = createServer({ ca: authority.ca, ...authority.server }, async (request, response) => {
    let status = 0;
    const answer = (code: number, type: string, body: object) => {
      status = code;
      response.writeHead(code, { "content-type": type }).end(JSON.stringify(body));
    };
    try {
      if (api.before?.(request, response)) status = response.statusCode;
      else {
        const { status: code, type, body } = await respond(request);
        answer(code, type, body);
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      answer(error.code, "application/json", error.body);
    }
    api.requests.push(`${request.method} ${request.url} ${status}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const api: ApiServer = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    secrets,
    requests: [],
    grants: [],
    before: undefined,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return api;
}

async function sent(request: IncomingMessage): Promise<object> {
  if (request.headers["content-type"] !== "application/json") {
    throw refuse(415, "UnsupportedMediaType", "the body of the request was in an unknown format");
  }
  try {
    return JSON.parse(await text(request));
  } catch {
    throw refuse(400, "BadRequest", "the object provided is unrecognized");
  }
}
