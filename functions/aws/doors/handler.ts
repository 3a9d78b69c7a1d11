import * as v from "valibot";
import { type ArtifactRegistryError, toArtifactRegistryError } from "../../../core/errors.ts";
import { invoke } from "../../../core/invoke.ts";
import type { Environment } from "../../../core/platform.ts";
import { logShut, type SuiteOptions } from "../../../core/suite.ts";
import { answerErrors, httpEvent, httpHandler } from "./http.ts";
import { chain, type LambdaHandler, throwErrors } from "./middleware.ts";
import { readSuite, type Suite } from "./suite.ts";

/**
 * The function behind the door that the environment names. Nothing is thrown here: a configuration that cannot be used is
 * told to every caller, and read again by the next cold start.
 */
export function createHandler(env: Environment, options: SuiteOptions = {}): LambdaHandler {
  const opened = logShut(open(env, options), env, options);
  const opening = opened.catch((error: unknown) => refuseAll(toArtifactRegistryError(error)));
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

/**
 * The `invoke` and `provision` doors: the payload is the operation's input with `operation` in it, the answer its output.
 * Whatever else a payload holds, as a forged `requestContext`, is an unknown field, and refused.
 */
function directHandler({ application }: Suite): LambdaHandler {
  return chain([throwErrors()], (payload, { requestId, signal }) =>
    invoke(application, payload, { requestId, signal }),
  );
}

/** Tells every caller what is wrong, in the form in which it asked. This is safe: the form decides about nothing else. */
function refuseAll(error: ArtifactRegistryError): LambdaHandler {
  const refuse = async () => {
    throw error;
  };
  const [answered, thrown] = [chain([answerErrors()], refuse), chain([throwErrors()], refuse)];
  return (event, context) => (v.is(httpEvent, event) ? answered : thrown)(event, context);
}
