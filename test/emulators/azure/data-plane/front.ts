import type { IncomingMessage, ServerResponse } from "node:http";
import { parseRoute } from "../../../../oci/registry/route.ts";
import type { Backing } from "../../aws/data-plane/backing.ts";
import { bodyOf, type RegistryRequest, readRequest } from "../../aws/data-plane/request.ts";
import { answerAcr, parseTarget } from "../acr/acr-v1.ts";
import { exchange, shownForm, token } from "../acr/oauth.ts";
import { registryForm } from "../acr/refusals.ts";
import type { Registry } from "../acr/registry.ts";
import { AzureError } from "../errors.ts";
import { type Answer, answerCall } from "../http/answer.ts";
import type { World } from "../world.ts";
import { serveDistribution } from "./serve.ts";

/** One registry as it is reached: by its own port, or below a path of a shared one. */
export interface Front {
  readonly world: World;
  readonly registry: Registry;
  readonly base: string;
  readonly backing: () => Promise<Backing>;
}

/** A request; the token service's with its form. */
export interface FormRequest extends RegistryRequest {
  readonly form: URLSearchParams;
}

export async function readForm(req: IncomingMessage, res: ServerResponse): Promise<FormRequest> {
  const request = readRequest(req, res);
  const isForm = request.method === "POST" && request.path.startsWith("/oauth2/");
  const form = isForm ? new URLSearchParams((await bodyOf(req)).toString()) : request.query;
  return { ...request, form };
}

/** Answers a request to a registry: its token service, its own API, or the distribution protocol. */
export async function handleRegistry(front: Front, request: FormRequest): Promise<void> {
  const { req, res, method, path, query, credential } = request;
  if (path.startsWith("/oauth2/")) return handleOauth(front, request);
  const { world, registry } = front;
  const target = parseTarget(path);
  const about = path.startsWith("/acr/") ? (target?.kind ?? path) : (parseRoute(path)?.kind ?? path);
  const service = path.startsWith("/acr/") ? "acr" : "registry";
  const record = world.record(service, `${method} ${about}`, { path }, registry.loginServer);
  await answerCall(world, record, { req, res, form: registryForm }, async () => {
    checkFirewall(registry);
    const call = { ...front, req, res, method, query, credential, record };
    if (service === "registry") return serveDistribution(call, path);
    if (target === undefined) throw new AzureError(404, "UNSUPPORTED", "There is no such path.");
    return answerAcr(call, target);
  });
}

async function handleOauth({ world, registry, base }: Front, request: FormRequest): Promise<void> {
  const { req, res, method, path, form, credential } = request;
  const name = path.slice("/oauth2/".length);
  const record = world.record("acr", name, shownForm(form), registry.loginServer);
  await answerCall(world, record, { req, res, form: registryForm }, async (): Promise<Answer> => {
    checkFirewall(registry);
    const asked = { world, registry, method, form, credential, hosts: [new URL(base).host], record };
    if (name === "exchange" && method === "POST") return exchange(asked);
    if (name === "token" && (method === "POST" || method === "GET")) return token(asked);
    throw new AzureError(404, "UNSUPPORTED", "404 page not found");
  });
}

function checkFirewall({ publicNetworkAccess }: Registry): void {
  if (publicNetworkAccess === "Enabled") return;
  const message =
    "client with IP '127.0.0.1' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.";
  throw new AzureError(403, "DENIED", message);
}
