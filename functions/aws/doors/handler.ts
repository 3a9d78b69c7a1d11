import * as v from "valibot";
import { type ArtifactRegistryError, toArtifactRegistryError } from "../../../core/errors.ts";
import type { Environment } from "../../../core/platform.ts";
import type { SuiteOptions } from "../../../core/suite.ts";
import { answerErrors } from "../middleware/answer-errors.ts";
import { chain, type LambdaHandler } from "../middleware/chain.ts";
import { throwErrors } from "../middleware/throw-errors.ts";
import { directHandler } from "./direct.ts";
import { httpHandler } from "./http.ts";
import { httpEvent } from "./http-event.ts";
import { readSuite } from "./suite.ts";

/**
 * The function behind the door that the environment names. Nothing is thrown here: a configuration that cannot be used is
 * told to every caller, and read again by the next cold start.
 */
export function createHandler(env: Environment, options: SuiteOptions = {}): LambdaHandler {
  const opening = open(env, options).catch((error: unknown) => refuseAll(toArtifactRegistryError(error)));
  return async (event, context) => (await opening)(event, context);
}

async function open(env: Environment, options: SuiteOptions): Promise<LambdaHandler> {
  const suite = await readSuite(env, options);
  switch (suite.application.door.accepts) {
    case "http":
      return httpHandler(suite);
    case "invoke":
      return directHandler(suite);
    case "events": {
      // Loaded only behind this door.
      const { eventHandler } = await import("./events.ts");
      return eventHandler(suite, env);
    }
  }
}

/** Tells every caller what is wrong, in the form in which it asked: nothing is run here, so its word may be taken. */
function refuseAll(error: ArtifactRegistryError): LambdaHandler {
  const refuse = async () => {
    throw error;
  };
  const [answered, thrown] = [chain([answerErrors()], refuse), chain([throwErrors()], refuse)];
  return (event, context) => (v.is(httpEvent, event) ? answered : thrown)(event, context);
}
