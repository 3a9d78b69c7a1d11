import { X509Certificate } from "node:crypto";
import { jwtVerify } from "jose";
import { parseRoute } from "../../../oci/registry/route.ts";
import { type Access, allows } from "../../../oci/token/index.ts";
import { type Instead, type Passing, startProxy } from "../../conformance/control/proxy.ts";
import { basicOf, type Login } from "./files.ts";
import type { TokenServer } from "./token-server.ts";

/** How a gate differs from the distribution project's registry. */
export interface GateManners {
  /** The actions that a request to push, and one to delete, needs and names in its challenge. */
  readonly push?: readonly string[];
  readonly delete?: readonly string[];
  /** Answers a token that is not valid with 401 and no challenge. */
  readonly mute?: true;
  /** Asks for no right on the source of a mount. */
  readonly mountsAnything?: true;
}

/**
 * Stands before a registry that knows users and passwords, takes the tokens of a token server, and asks the registry
 * as one user: what a token opens is decided here, as gateways do. What it does not understand it refuses.
 */
export async function startTokenGate(upstream: string, tokens: TokenServer, user: Login, manners: GateManners = {}) {
  const { publicKey } = new X509Certificate(tokens.certificate);
  const expected = { issuer: tokens.issuer, audience: tokens.service, algorithms: ["RS256"] };

  const accessOf = async ({ authorization = "" }: Passing["headers"]): Promise<readonly Access[] | undefined> => {
    const [, token = ""] = /^Bearer (\S+)$/.exec(authorization) ?? [];
    try {
      return (await jwtVerify<{ access: Access[] }>(token, publicKey, expected)).payload.access;
    } catch {
      return undefined;
    }
  };

  const gate = await startProxy(upstream, {
    name: "token gate",
    caughtBy: "",
    async request(passing) {
      const access = await accessOf(passing.headers);
      const needs = needsOf(passing, manners);
      const allowed = needs?.every(({ type = "repository", name, actions }) =>
        actions.every((action) => allows(access ?? [], type, name, action)),
      );
      const invalid = access === undefined && passing.headers.authorization !== undefined;
      if (invalid && manners.mute) return { status: 401, headers: { "content-type": "application/json" } };
      if (access === undefined || !allowed) return challenge(tokens, needs ?? []);
      passing.headers.authorization = basicOf(user);
      return undefined;
    },
  });
  return { ...gate, host: new URL(gate.url).host };
}

interface Need {
  /** Default: `repository`. */
  readonly type?: Access["type"];
  readonly name: string;
  readonly actions: readonly string[];
}

/** What a request needs a token for; undefined where nothing opens it. */
function needsOf({ method, path }: Passing, manners: GateManners): Need[] | undefined {
  const { pathname, searchParams } = new URL(path, "http://gate");
  // Whoever decodes a path differently sees another repository.
  if (pathname.includes("%") || !path.startsWith(pathname)) return undefined;
  const route = parseRoute(pathname);
  if (route?.kind === "base") return [];
  if (route?.kind === "catalog") return [{ type: "registry", name: "catalog", actions: ["*"] }];
  if (route === undefined || !("name" in route)) return undefined;
  const { name } = route;
  const from = searchParams.get("from");
  if (method === "GET" || method === "HEAD") return [{ name, actions: ["pull"] }];
  // Whoever began an upload may cancel it.
  const deletes = method === "DELETE" && route.kind !== "upload";
  if (deletes) return [{ name, actions: manners.delete ?? ["delete"] }];
  const { push = ["pull", "push"] } = manners;
  return [
    { name, actions: push },
    ...(from === null || manners.mountsAnything ? [] : [{ name: from, actions: ["pull"] }]),
  ];
}

function challenge({ realm, service }: TokenServer, needs: readonly Need[]): Instead {
  const scope = needs.map(({ type = "repository", name, actions }) => `${type}:${name}:${actions.join(",")}`);
  const asked = scope.length === 0 ? "" : `,scope="${scope.join(" ")}"`;
  return {
    status: 401,
    headers: {
      "content-type": "application/json",
      "www-authenticate": `Bearer realm="${realm}",service="${service}"${asked}`,
    },
    body: Buffer.from(JSON.stringify({ errors: [{ code: "UNAUTHORIZED", message: "authentication required" }] })),
  };
}
