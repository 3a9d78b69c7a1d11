import type { HttpHandler, HttpRequest } from "@azure/functions";
import { type Audit, auditToStdout } from "../../../core/audit.ts";
import { Unauthenticated } from "../../../core/doors.ts";
import { ArtifactRegistryError, toArtifactRegistryError } from "../../../core/errors.ts";
import { type ApiAnswer, createHttp, errorResponse, sourceOf } from "../../../core/http.ts";
import type { Environment } from "../../../core/platform.ts";
import { openAtStart, type Suite, type SuiteOptions } from "../../../core/suite.ts";
import { createPlatformCaller } from "./platform-caller.ts";

type Serve = (request: HttpRequest, requestId: string) => Promise<ApiAnswer>;

/** The roles that callers must have if the environment names none. */
const defaultRoles = { platform: "ArtifactRegistry.Caller", provision: "ArtifactRegistry.Provisioner" } as const;

/**
 * The doors over HTTP. The handler never throws. What a request claims that the platform said of the caller counts only
 * at the `platform` and `provision` doors.
 */
export function httpFunction(suite: () => Promise<Suite>, env: Environment, options: SuiteOptions = {}): HttpHandler {
  const { audit = auditToStdout } = options;
  const opened = openAtStart(async () => open(await suite(), env, audit), env, options);
  return async (request, { invocationId }) => {
    const serve = await opened().catch(refuseAll);
    // The worker's request resembles one of the Fetch standard, and has all that the contract looks at.
    return { ...(await serve(request, invocationId)) };
  };
}

async function open({ application }: Suite, env: Environment, audit: Audit): Promise<Serve> {
  const http = createHttp(application);
  const { door, now } = application;
  if (door.name === "oidc") return (request, requestId) => http(request, { requestId });
  if (door.name !== "platform" && door.name !== "provision") {
    throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", `There is no ${door.name} door on Azure.`, {
      hint: "ALIEN_DOOR is one of platform, oidc, events, provision. Direct invocations go to the platform door.",
    });
  }
  const platformCallerOf = await createPlatformCaller(env, defaultRoles[door.name]);
  if (door.name === "platform") {
    return (request, requestId) =>
      http(request, { platformCaller: () => platformCallerOf(request.headers), requestId });
  }
  return async (request, requestId) => {
    // These methods run nothing, and anybody may read what they answer.
    if (request.method === "GET" || request.method === "HEAD") return http(request, { requestId });
    try {
      // The core lets everybody in here, so the caller is looked at before the body is read.
      await platformCallerOf(request.headers);
    } catch (thrown) {
      const error = toArtifactRegistryError(thrown);
      const line = { requestId, door: door.name, source: sourceOf(request, {}, application), outcome: error.code };
      const { reason, claimed } = thrown instanceof Unauthenticated ? thrown : {};
      const why = { ...(claimed && { claimed }), ...(reason && { reason }) };
      audit({ time: now().toISOString(), ...line, ...why, milliseconds: 0, upstreamCalls: 0 });
      return errorResponse(error, requestId);
    }
    return http(request, { requestId });
  };
}

function refuseAll(error: ArtifactRegistryError): Serve {
  return async (_request, requestId) => errorResponse(error, requestId);
}
