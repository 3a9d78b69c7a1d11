import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { ArtifactRegistryError, BareError, toArtifactRegistryError } from "../../../core/errors.ts";
import { once } from "../../../core/once.ts";
import type { Environment } from "../../../core/platform.ts";
import { openAtStart, readSuite, type Suite, type SuiteOptions } from "../../../core/suite.ts";
import { platform } from "../index.ts";
import type { Receive } from "./events.ts";
import { httpFunction } from "./http.ts";

/** The functions of the bundle: one for each kind of function that the framework knows. */
export interface Functions {
  /** Takes HTTP requests. It answers whatever comes, and never throws. */
  artifactRegistry(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Takes CloudEvents. @throws BareError for an event that its sender must deliver again */
  artifactRegistryEvents(event: unknown): Promise<void>;
}

/**
 * Opens both functions behind the door that the environment names. It never throws: a configuration that cannot be used is
 * reported to every caller, and is read again at the next call.
 */
export function createFunctions(env: Environment, options: SuiteOptions = {}): Functions {
  const limits = timeLimits(env);
  const suite = once(() => readSuite(platform, env, { operationTimeoutMs: limits.operationMs, ...options }));
  // The other function of the bundle is not deployed behind this door, so its failure is not logged.
  const quiet = { ...options, startLog: () => {} };
  const forEvents = env.ALIEN_DOOR === "events";
  return {
    artifactRegistry: httpFunction(suite, env, forEvents ? quiet : options),
    artifactRegistryEvents: eventFunction(suite, env, limits, forEvents ? options : quiet),
  };
}

/**
 * The `events` door. The framework logs whatever is thrown here and answers with status 500, so that Pub/Sub and Eventarc
 * deliver the event again. So an error must hold nothing that they may not see.
 */
function eventFunction(
  suite: () => Promise<Suite>,
  env: Environment,
  { invocationMs }: TimeLimits,
  options: SuiteOptions = {},
): (event: unknown) => Promise<void> {
  const opened = openAtStart(async () => open(await suite(), env), env, options);
  return async (event) => {
    const requestId = randomUUID();
    try {
      const receive = await opened();
      await receive(event, { requestId, signal: AbortSignal.timeout(invocationMs) });
    } catch (thrown) {
      throw new BareError(toArtifactRegistryError(thrown).toWire(requestId));
    }
  };
}

async function open(suite: Suite, env: Environment): Promise<Receive> {
  const { door } = suite.application;
  if (door.accepts !== "events") {
    throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The ${door.name} door takes no events.`, {
      hint: "Deploy the entry point artifactRegistryEvents with ALIEN_DOOR=events, and artifactRegistry for all other doors.",
    });
  }
  // The other doors do without it.
  const { createReceive } = await import("./events.ts");
  return createReceive(suite, env);
}

export interface TimeLimits {
  /** Milliseconds for one invocation as a whole: a little less than the platform allows. */
  readonly invocationMs: number;
  /** Milliseconds for one operation. */
  readonly operationMs: number;
}

/** Seconds that the platform allows by default. */
const defaultSeconds = 60;
/** Milliseconds that are kept for answering an operation that ran out of time. */
const answerMs = 500;
/** Milliseconds for one operation at most. No caller waits longer for it. */
const maxOperationMs = 55_000;

/** @param env `CLOUD_RUN_TIMEOUT_SECONDS`, which the platform sets, and which the framework reads too */
export function timeLimits({ CLOUD_RUN_TIMEOUT_SECONDS: text }: Environment): TimeLimits {
  const seconds = Number.parseInt(text ?? "", 10);
  const invocationMs = (seconds > 0 ? seconds : defaultSeconds) * 1_000 - answerMs;
  return { invocationMs, operationMs: Math.min(maxOperationMs, invocationMs) };
}
