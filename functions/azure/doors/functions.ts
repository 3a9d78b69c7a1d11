import type { Environment } from "../../../core/platform.ts";
import { readSuite, type SuiteOptions } from "../../../core/suite.ts";
import { platform } from "../index.ts";
import { registerTriggers } from "./event-triggers.ts";
import { httpFunction } from "./http.ts";
import type { Registrar } from "./registrar.ts";

/** All that the worker can make a request of: TRACE and CONNECT it cannot, and answers by itself. */
const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/**
 * Registers the functions of the door that the environment names, and no other's. Nothing is thrown here: a configuration
 * that cannot be used is told to every caller, and read again by the next cold start.
 */
export function registerFunctions(app: Registrar, env: Environment, options: SuiteOptions = {}): void {
  const reading = readSuite(platform, env, options);
  if (env.ALIEN_DOOR === "events") {
    registerTriggers(app, reading, env, options);
    return;
  }
  app.http("artifactRegistry", {
    // Every path, so that whatever is sent the answer is ours. Function keys would be shared secrets.
    route: "{*path}",
    methods: [...methods],
    authLevel: "anonymous",
    handler: httpFunction(reading, env, options),
  });
}
