import { createApplication } from "../../../core/application.ts";
import { createDirectory } from "../../../core/bindings.ts";
import type { Call } from "../../../core/call.ts";
import { doorCaller } from "../../../core/caller.ts";
import { trustedDoor } from "../../../core/doors.ts";
import { ArtifactRegistryError, type ErrorCode, statusOf } from "../../../core/errors.ts";
import { createHttpClient } from "../../../core/http-client.ts";
import type { Environment, Platform } from "../../../core/platform.ts";
import type { Rule } from "../../../core/rules.ts";
import { fixedRules } from "../../../core/rules-source.ts";
import type { PullSecretSettings } from "./settings.ts";

/** Runs an operation of the function, wherever it is. @throws ArtifactRegistryError, the function's own error */
export type Ask = (operation: string, input: object, call: Call) => Promise<Record<string, unknown>>;

/** Asks the function over HTTP as a caller of the `oidc` door. It sends the pod's own token for the function's audience. */
export function askFunction(functionUrl: string, env: Environment): Ask {
  const { fetch } = createHttpClient({
    env,
    caFile: env.FUNCTION_CA_FILE || undefined,
    tokenFile: env.FUNCTION_TOKEN_FILE || undefined,
  });
  return (operation, input, call) =>
    call.upstream(`The function's ${operation}`, async (signal) => {
      const headers = { "content-type": "application/json" };
      const request = { method: "POST", headers, body: JSON.stringify(input), signal };
      const response = await fetch(`${functionUrl}/v1/${operation}`, request).catch((cause: unknown) => {
        throw unreachable(cause);
      });
      const answer: unknown = await response.json().catch(() => undefined);
      if (response.status === 200 && isObject(answer)) return answer;
      throw toError(response.status, isObject(answer) ? answer : {});
    });
}

/** Asks the adapter in this process. No caller is authenticated, because the process itself holds the registry's accounts. */
export function askInProcess(
  platform: Platform,
  { registry }: PullSecretSettings,
  env: Environment,
  log: (text: string) => void,
): Ask {
  const door = trustedDoor("invoke");
  const rule: Rule = {
    callers: [doorCaller("invoke")],
    operations: ["getRepository", "generateCredentials"],
    registries: [registry],
    repositories: ["*"],
    permissions: ["pull"],
  };
  const directory = createDirectory(platform, env, [registry]);
  const application = createApplication({
    directory,
    rules: fixedRules([rule]),
    door,
    // A manifest may be written to the standard output, so the logs go elsewhere.
    audit: (line) => log(`${JSON.stringify(line)}\n`),
    errorLog: (line) => log(`${JSON.stringify(line)}\n`),
  });
  return async (operation, input, { requestId, signal }) => {
    const answer = await application.run({ operation, input: () => input, evidence: {}, requestId, signal });
    if (!answer.ok) throw answer.error;
    return answer.output as Record<string, unknown>;
  };
}

function unreachable(cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("SERVICE_UNAVAILABLE", "The function cannot be reached.", {
    retryable: true,
    hint: "Check FUNCTION_URL, FUNCTION_CA_FILE, FUNCTION_TOKEN_FILE and the network policy.",
    cause,
  });
}

const otherServer = "Check FUNCTION_URL: something else may be listening there.";

/** Reads the function's own error from its answer. An answer of any other form came from something else. */
function toError(status: number, answer: Record<string, unknown>): ArtifactRegistryError {
  // Our other servers answer in the same form, with status 404 and without a hint.
  const { code, message, retryable, hint = status === 404 ? otherServer : undefined } = answer;
  if (typeof code === "string" && Object.hasOwn(statusOf, code) && typeof message === "string") {
    return new ArtifactRegistryError(code as ErrorCode, message, {
      retryable: retryable === true,
      ...(typeof hint === "string" && { hint }),
    });
  }
  return new ArtifactRegistryError(
    "UNEXPECTED_RESPONSE_FORMAT",
    `The function's answer with status ${status} has an unknown form.`,
    { retryable: status >= 500, hint: otherServer },
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
