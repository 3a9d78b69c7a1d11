import { randomUUID } from "node:crypto";
import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ArtifactRegistryError } from "../../../core/errors.ts";
import { type ApiAnswer, type ApiRequest, createHttp, errorResponse } from "../../../core/http.ts";
import type { Environment } from "../../../core/platform.ts";
import { requestListener } from "../../../core/server/http.ts";
import { openAtStart, type Suite, type SuiteOptions } from "../../../core/suite.ts";
import { createPlatformCaller } from "./caller.ts";

type ServeHttp = (request: ApiRequest, incoming: IncomingMessage) => Promise<ApiAnswer>;

/**
 * The doors over HTTP. They never throw, so that the framework never answers by itself. A request's claim that the platform
 * has verified its caller counts at the `platform` door only.
 */
export function httpFunction(
  suite: () => Promise<Suite>,
  env: Environment,
  options: SuiteOptions = {},
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const opened = openAtStart(async () => open(await suite(), env), env, options);
  return requestListener(async (request, incoming) => (await opened().catch(refuseAll))(request, incoming));
}

function open({ application }: Suite, env: Environment): ServeHttp {
  const http = createHttp(application);
  if (application.door.name !== "platform") {
    return (request, { socket }) => http(request, { address: socket.remoteAddress });
  }
  const callerOf = createPlatformCaller(env, application.now);
  return (request, { headersDistinct, socket }) => {
    const platformCaller = callerOf(headersDistinct);
    return http(request, { address: socket.remoteAddress, ...(platformCaller && { platformCaller }) });
  };
}

function refuseAll(error: ArtifactRegistryError): ServeHttp {
  return async () => errorResponse(error, randomUUID());
}

/**
 * Keeps the framework from answering requests by itself, and from logging its own stack for them. This holds for every
 * server of the process.
 *
 * Before anybody knows who sent a body, the framework would read up to 1 GiB of it, decompress it, and answer if it is not
 * JSON. Its parsers ignore a body without a content type. So the function reads it: as JSON, whatever its type, and never
 * more than its own limit. The framework would also answer a target that is not a path, or whose path cannot be decoded.
 * Such a target is replaced by a path at which there is nothing.
 */
export function shieldFromFramework(): void {
  // Node reports each request here before the server handles it (nodejs.org/api/diagnostics_channel.html, "HTTP").
  subscribe("http.server.request.start", (message) => {
    const { request } = message as { readonly request: IncomingMessage };
    delete request.headers["content-type"];
    if (!leadsToPath(request.url ?? "")) request.url = "/-";
  });
}

function leadsToPath(target: string): boolean {
  try {
    decodeURIComponent(target.split("?", 1)[0] ?? "");
  } catch {
    return false;
  }
  return target.startsWith("/") || (/^https?:\/\//i.test(target) && URL.canParse(target));
}
