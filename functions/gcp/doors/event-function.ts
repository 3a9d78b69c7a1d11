import { randomUUID } from "node:crypto";
import { ArtifactRegistryError, BareError, toArtifactRegistryError } from "../../../core/errors.ts";
import type { Environment } from "../../../core/platform.ts";
import { logShut, type Suite, type SuiteOptions } from "../../../core/suite.ts";
import type { Receive } from "./events.ts";
import type { TimeLimits } from "./time-limits.ts";

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
