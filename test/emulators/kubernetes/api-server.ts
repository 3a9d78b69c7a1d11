import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Authority } from "../azure/http/certificates.ts";
import { createObjects, type StoredEvent } from "./objects.ts";
import { createSecrets } from "./secrets.ts";
import type { ServiceAccounts } from "./service-accounts.ts";
import { Refusal, refuse } from "./status.ts";

type Verb = "get" | "update" | "patch" | "create" | "list";
type Resource = "secrets" | "serviceaccounts" | "events" | "namespaces";

/** What a Role and its binding allow one subject: verbs on one object by its name, or on all of a kind. */
export interface Grant {
  readonly subject: string;
  /** Absent: in every namespace, as a ClusterRoleBinding has it. */
  readonly namespace?: string;
  /** Default: `secrets`. */
  readonly resource?: Resource;
  /** Absent: any name, and requests that have none. */
  readonly resourceName?: string;
  readonly verbs: readonly Verb[];
}

export interface ApiServer {
  readonly url: string;
  readonly secrets: ReturnType<typeof createSecrets>;
  readonly objects: ReturnType<typeof createObjects>;
  /** `METHOD path status`, in order. */
  readonly requests: string[];
  grants: Grant[];
  /** Answers, or changes something, before a request is looked at; answers `true` when it has answered. */
  before: ((request: IncomingMessage, response: ServerResponse) => boolean | undefined) | undefined;
  stop(): Promise<void>;
}

/**
 * The part of kube-apiserver that pods of ours talk to: Secrets and ServiceAccounts by name, namespaces and Events, all under RBAC, and the cluster's keys. HTTPS only,
 * under a CA of its own; who brings no token of the cluster, for the API server's audience, is nobody.
 */
export async function startApiServer(accounts: ServiceAccounts, authority: Authority): Promise<ApiServer> {
  const secrets = createSecrets();
  const objects = createObjects();
  const respond = async (request: IncomingMessage): Promise<{ status: number; type: string; body: object }> => {
    const user = await accounts.authenticate(request.headers.authorization);
    if (user === undefined) throw refuse(401, "Unauthorized", "Unauthorized");
    const { pathname: path, searchParams: query } = new URL(request.url ?? "/", "https://cluster");
    if (path === "/openid/v1/jwks") return { status: 200, type: "application/jwk-set+json", body: accounts.keys };
    const [, namespace, plural, name] =
      /^\/api\/v1\/(?:namespaces\/([^/]+)\/)?(secrets|serviceaccounts|events|namespaces)(?:\/([^/]+))?$/.exec(path) ??
      [];
    const resource = plural as Resource | undefined;
    const verb = verbOf(request.method, name);
    const allow = (what: Verb) => {
      if (resource !== undefined && allows(api.grants, { subject: user, namespace, resource, name, verb: what }))
        return;
      const where = `cannot ${what} resource "${resource}" in API group "" in the namespace "${namespace}"`;
      throw refuse(403, "Forbidden", `${resource} "${name}" is forbidden: User "${user}" ${where}`);
    };
    const answer = (status: number, body: object) => ({ status, type: "application/json", body });
    if (resource !== undefined && verb !== undefined) allow(verb);
    switch (`${verb} ${resource}`) {
      case "get secrets":
        return answer(200, secrets.get(namespace ?? "", name ?? ""));
      case "update secrets":
        return answer(200, secrets.put(namespace ?? "", name ?? "", await sent(request, "application/json")));
      case "patch secrets": {
        const applied = await sent(request, "application/apply-patch+yaml");
        if (!query.get("fieldManager")) throw refuse(400, "BadRequest", "fieldManager is required for apply patch");
        // apiserver, handlers/patch.go: what is not there is a create of that name.
        if (!secrets.has(namespace ?? "", name ?? "")) allow("create");
        return answer(201, secrets.apply(namespace ?? "", name ?? "", applied));
      }
      case "patch serviceaccounts": {
        const patch = await sent(request, "application/strategic-merge-patch+json");
        return answer(200, objects.patchAccount(namespace ?? "", name ?? "", patch));
      }
      case "create events":
        return answer(
          201,
          objects.createEvent(namespace ?? "", (await sent(request, "application/json")) as StoredEvent),
        );
      case "list namespaces":
        return answer(200, objects.listNamespaces(query));
    }
    throw refuse(404, "NotFound", "the server could not find the requested resource");
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
    objects,
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

function verbOf(method: string | undefined, name: string | undefined): Verb | undefined {
  if (name === undefined) return ({ GET: "list", POST: "create" } as const)[method ?? ""];
  return ({ GET: "get", PUT: "update", PATCH: "patch" } as const)[method ?? ""];
}

interface Asked {
  readonly subject: string;
  readonly namespace: string | undefined;
  readonly resource: Resource;
  readonly name: string | undefined;
  readonly verb: Verb;
}

/** RBAC: a rule with names covers no request that has none, such as a list or a POST. */
function allows(grants: readonly Grant[], { subject, namespace, resource, name, verb }: Asked): boolean {
  return grants.some(
    (each) =>
      each.subject === subject &&
      (each.resource ?? "secrets") === resource &&
      (each.namespace === undefined || each.namespace === namespace) &&
      (each.resourceName === undefined || each.resourceName === name) &&
      each.verbs.includes(verb),
  );
}

async function sent(request: IncomingMessage, contentType: string): Promise<object> {
  if (request.headers["content-type"] !== contentType) {
    throw refuse(415, "UnsupportedMediaType", "the body of the request was in an unknown format");
  }
  try {
    return JSON.parse(await text(request));
  } catch {
    throw refuse(400, "BadRequest", "the object provided is unrecognized");
  }
}
