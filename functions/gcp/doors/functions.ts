import type { IncomingMessage, ServerResponse } from "node:http";
import type { Environment } from "../../../core/platform.ts";
import { readSuite, type SuiteOptions } from "../../../core/suite.ts";
import { platform } from "../index.ts";
import { eventFunction } from "./event-function.ts";
import { httpFunction } from "./http.ts";
import { timeLimits } from "./time-limits.ts";

/** The functions of the bundle, one for each kind of target that the framework knows. */
export interface Functions {
  /** HTTP. Answers whatever comes, and never throws. */
  artifactRegistry(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** CloudEvents. @throws BareError for an event that its sender shall deliver again */
  artifactRegistryEvents(event: unknown): Promise<void>;
}

/**
 * Both functions behind the door that the environment names. Nothing is thrown here: a configuration that cannot be used
 * is told to every caller, and read again by the next cold start.
 */
export function createFunctions(env: Environment, options: SuiteOptions = {}): Functions {
  const limits = timeLimits(env);
  const reading = readSuite(platform, env, { operationTimeoutMs: limits.operationMs, ...options });
  return {
    artifactRegistry: httpFunction(reading, env, options),
    artifactRegistryEvents: eventFunction(reading, env, limits, options),
  };
}
