import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { toArtifactRegistryError } from "../../../core/errors.ts";
import { createHttp, errorResponse, type HttpApplication } from "../../../core/http.ts";
import type { Environment } from "../../../core/platform.ts";
import { requestListener } from "../../../core/server/requests.ts";
import { logShut, type Suite, type SuiteOptions } from "../../../core/suite.ts";
import { createPlatformCaller } from "./platform-caller.ts";

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
