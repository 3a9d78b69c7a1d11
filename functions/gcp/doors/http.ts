import { randomUUID } from "node:crypto";
import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { toArtifactRegistryError } from "../../../core/errors.ts";
import { createHttp, errorResponse, type HttpApplication } from "../../../core/http.ts";
import type { Environment } from "../../../core/platform.ts";
import { requestListener } from "../../../core/server/requests.ts";
import { logShut, type Suite, type SuiteOptions } from "../../../core/suite.ts";
import { createPlatformCaller } from "./caller.ts";

type Serve = (request: Request, incoming: IncomingMessage) => Promise<Response>;

/**
 * The doors over HTTP. Nothing is ever thrown, so that the framework has nothing to answer by itself. What the platform is
 * said to have said of the caller counts at the `platform` door alone.
 */
export function httpFunction(
  reading: Promise<Suite>,
  env: Environment,
  options: SuiteOptions = {},
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const opened = reading.then((suite) => open(suite, env));
  // Of the two functions of the bundle, the other one is deployed behind that door.
  if (env.ALIEN_DOOR !== "events") logShut(opened, env, options);
  const opening = opened.catch(refuseAll);
  return requestListener(async (request, incoming) => (await opening)(request, incoming));
}

function open({ application }: Suite, env: Environment): Serve {
  const http: HttpApplication = createHttp(application);
  if (application.door.name !== "platform") return (request) => http(request);
  const callerOf = createPlatformCaller(env, application.now);
  return (request, { headersDistinct }) => {
    const platformCaller = callerOf(headersDistinct);
    return http(request, platformCaller && { platformCaller });
  };
}

function refuseAll(thrown: unknown): Serve {
  const error = toArtifactRegistryError(thrown);
  return async () => errorResponse(error, randomUUID());
}

/**
 * Keeps from the framework what it would answer by itself, with its own stack in the log; for every server of this process.
 *
 * It would read bodies up to 1 GiB, unpack what is compressed, before anybody knows who sent it, and answer what is not
 * JSON. Without a content type its parsers pass a body by, and the function reads it: JSON whatever its type, and never
 * more than its limit. And it would answer a target that is no path, or one that cannot be decoded: there is nothing at
 * any such path.
 */
export function shieldFromFramework(): void {
  // Node tells of each request here before its server does (nodejs.org/api/diagnostics_channel.html, "HTTP").
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
