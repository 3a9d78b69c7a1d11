import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { GcpError } from "../errors.ts";
import { checkScopes, identify } from "../identity/tokens.ts";
import type { World } from "../world.ts";
import { answerCall, send } from "./answer.ts";
import { ARTIFACT_REGISTRY } from "./artifact-registry.ts";
import { IAM } from "./iam.ts";
import { IAM_CREDENTIALS } from "./iam-credentials.ts";
import { PUBSUB } from "./pubsub.ts";
import { RESOURCE_MANAGER } from "./resource-manager.ts";
import type { Json, Route } from "./route.ts";

const ROUTES: readonly Route[] = [...ARTIFACT_REGISTRY, ...IAM_CREDENTIALS, ...IAM, ...PUBSUB, ...RESOURCE_MANAGER];

export interface Listening {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  close(): Promise<void>;
}

export async function listen(handle: RequestListener): Promise<Listening> {
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 65_000 }, handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The JSON APIs, and the keys of identity tokens, all on one port: no two of their paths are the same. */
export function serveApis(world: World): Promise<Listening> {
  return listen((req, res) => {
    handle(world, req, res).catch((error: unknown) => {
      // The client went away, or a hook of a test threw.
      if (!req.socket.destroyed) console.error("The Google Cloud emulator failed:", error);
      req.socket.destroy();
    });
  });
}

async function handle(world: World, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const url = new URL(req.url ?? "/", "http://emulator");
  if (url.pathname === "/oauth2/v3/certs") return send(res, { status: 200, body: world.idTokens.keys() });
  const path = decodeURIComponent(url.pathname);
  const route = ROUTES.find((one) => one.method === req.method && one.path.test(path));
  if (route === undefined) {
    const error = { code: 404, message: `The emulator does not know ${req.method} ${path}.`, status: "NOT_FOUND" };
    return send(res, { status: 404, body: { error } });
  }
  const bytes = await bodyOf(req);
  const record = world.record(route.service, route.action, { path, ...tryParse(bytes) });
  const service = `${route.service}.googleapis.com`;
  const identified = identify(record, () => world.tokens.bearer(req.headers.authorization, service));
  await answerCall(world, record, req, res, () => {
    const caller = identified();
    checkScopes(caller, service, false);
    const body = tryParse(bytes);
    if (body === undefined) {
      throw new GcpError("INVALID_ARGUMENT", "Invalid JSON payload received. Expected an object.");
    }
    const groups = route.path.exec(path)?.slice(1) ?? [];
    const answer = route.handle({
      world,
      caller,
      record,
      query: url.searchParams,
      body,
      path: groups,
      rawPath: url.pathname,
    });
    return { status: 200, body: answer };
  });
}

async function bodyOf(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function tryParse(bytes: Buffer): Json | undefined {
  if (bytes.length === 0) return {};
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}
