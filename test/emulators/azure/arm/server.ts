import type { IncomingMessage, ServerResponse } from "node:http";
import { bodyOf } from "../../aws/data-plane/request.ts";
import { AzureError } from "../errors.ts";
import { answerCall } from "../http/answer.ts";
import type { Certificate } from "../http/certificates.ts";
import { guarded, type Listening, listen } from "../http/listen.ts";
import type { Principal } from "../identity/directory.ts";
import type { World } from "../world.ts";
import { Operations } from "./operations.ts";
import { paged } from "./paging.ts";
import { armForm, badRequest, unauthenticated } from "./refusals.ts";
import { REGISTRIES } from "./registries.ts";
import { RESOURCE_GROUPS } from "./resource-groups.ts";
import { ROLE_ASSIGNMENTS } from "./role-assignments.ts";
import { ROLE_DEFINITIONS } from "./role-definitions.ts";
import type { Json, Route } from "./route.ts";
import { SCOPE_MAPS } from "./scope-maps.ts";
import { USAGES } from "./usages.ts";

const ROUTES: readonly Route[] = [
  ...SCOPE_MAPS,
  ...ROLE_ASSIGNMENTS,
  ...ROLE_DEFINITIONS,
  ...REGISTRIES,
  ...USAGES,
  ...RESOURCE_GROUPS,
];

/** Azure Resource Manager. Its clients send their tokens over TLS only. */
export function serveArm(world: World, certificate: Certificate): Promise<Listening> {
  const operations = new Operations(world);
  return listen(
    guarded((req, res) => handle(world, operations, req, res)),
    certificate,
  );
}

async function handle(world: World, operations: Operations, req: IncomingMessage, res: ServerResponse): Promise<void> {
  // A client of Azure's puts a scope, which begins with a slash, behind another one.
  const url = new URL(`https://${req.headers.host}${req.url?.replace(/^\/+/, "/")}`);
  const path = decodeURIComponent(url.pathname);
  const route = ROUTES.find((one) => one.method === req.method && one.path.test(path));
  const bytes = await bodyOf(req);
  await operations.settle();
  const arrived = world.moved;
  const input = { path, ...Object.fromEntries(url.searchParams), ...parse(bytes) };
  const record = world.record("arm", route?.action ?? `${req.method} ${path}`, input);
  await answerCall(world, record, { req, res, form: armForm }, async (fault) => {
    const caller = await authenticate(world, req.headers.authorization);
    record.principal = caller.principalId;
    if (route === undefined) throw new AzureError(404, "InvalidResourceType", `The emulator does not know ${path}.`);
    checkVersion(route, url.searchParams.get("api-version"));
    checkSubscription(world, path);
    const body = parse(bytes);
    if (body === undefined) throw badRequest("InvalidRequestContent", "The request content was invalid.");
    const groups = route.path.exec(path)?.slice(1) ?? [];
    const place = { url: `${url.origin}${url.pathname}`, query: url.searchParams, path: groups };
    const answer = await route.handle({ world, operations, caller, record, fault, body, ...place });
    await world.clockMovedTo(arrived + (world.behaviour.requestMs[route.action] ?? 0));
    return route.action.startsWith("LIST ") ? paged(answer, { world, ...place }) : answer;
  });
}

async function authenticate(world: World, header: string | undefined): Promise<Principal> {
  const { tenantId } = world.directory;
  const [, token] = /^Bearer +(\S+)$/i.exec(header?.trim() ?? "") ?? [];
  if (token === undefined) throw unauthenticated("missing", tenantId);
  const found = await world.entra.read(token, world.cloud.armAudiences);
  if (typeof found === "string") throw unauthenticated(found, tenantId);
  return found.principal;
}

function checkVersion({ versions }: Route, version: string | null): void {
  if (version === null) {
    const message = "The api-version query parameter (?api-version=) is required for all requests.";
    throw badRequest("MissingApiVersionParameter", message);
  }
  if (versions.includes(version)) return;
  const message = `The api-version '${version}' is invalid. The supported versions are '${versions.join(",")}'.`;
  throw badRequest("InvalidApiVersionParameter", message);
}

function checkSubscription({ subscription }: World, path: string): void {
  const [, asked] = /^\/subscriptions\/([^/]+)/i.exec(path) ?? [];
  if (asked === undefined || asked.toLowerCase() === subscription) return;
  throw new AzureError(404, "SubscriptionNotFound", `The subscription '${asked}' could not be found.`);
}

function parse(bytes: Buffer): Json | undefined {
  if (bytes.length === 0) return {};
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}
