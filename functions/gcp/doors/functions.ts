import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { ArtifactRegistryError, BareError, toArtifactRegistryError } from "../../../core/errors.ts";
import type { Environment } from "../../../core/platform.ts";
import { logShut, readSuite, type Suite, type SuiteOptions } from "../../../core/suite.ts";
import { platform } from "../index.ts";
import type { Receive } from "./events.ts";
import { httpFunction } from "./http.ts";

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

/**
 * The `events` door. To the framework whatever is thrown is an error that it logs and answers with status 500, so that
 * Pub/Sub and Eventarc deliver the event again; there is nothing in it that neither may see.
 */
export function eventFunction(
  reading: Promise<Suite>,
  env: Environment,
  { invocationMs }: TimeLimits,
  options: SuiteOptions = {},
): (event: unknown) => Promise<void> {
  const opened = reading.then((suite) => open(suite, env));
  if (env.ALIEN_DOOR === "events") logShut(opened, env, options);
  const opening = opened.catch(refuseAll);
  return async (event) => {
    const requestId = randomUUID();
    try {
      await (await opening)(event, { requestId, signal: AbortSignal.timeout(invocationMs) });
    } catch (thrown) {
      throw new BareError(toArtifactRegistryError(thrown).toWire(requestId));
    }
  };
}

async function open(suite: Suite, env: Environment): Promise<Receive> {
  const { door } = suite.application;
  if (door.accepts !== "events") {
    throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The ${door.name} door takes no events.`, {
      hint: "Deploy the entry point artifactRegistryEvents with ALIEN_DOOR=events, and artifactRegistry for other doors.",
    });
  }
  // Loaded only behind this door.
  const { createReceive } = await import("./events.ts");
  return createReceive(suite, env);
}

function refuseAll(error: unknown): Receive {
  return async () => {
    throw error;
  };
}

/** Milliseconds. */
export interface TimeLimits {
  /** For one invocation as a whole: a little less than the platform gives. */
  readonly invocationMs: number;
  /** For one operation. */
  readonly operationMs: number;
}

/** Seconds that the platform gives where nobody asks for another number. */
const usualSeconds = 60;
/** Milliseconds in which an operation that ran out of time is answered. */
const answerMs = 500;
/** Milliseconds for an operation at the most: nobody waits longer for one. */
const operationMs = 55_000;

/** @param env `CLOUD_RUN_TIMEOUT_SECONDS`, which the platform sets and the framework reads too */
export function timeLimits({ CLOUD_RUN_TIMEOUT_SECONDS: text }: Environment): TimeLimits {
  const seconds = Number.parseInt(text ?? "", 10);
  const invocationMs = (seconds > 0 ? seconds : usualSeconds) * 1_000 - answerMs;
  return { invocationMs, operationMs: Math.min(operationMs, invocationMs) };
}
