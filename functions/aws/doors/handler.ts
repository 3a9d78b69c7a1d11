import * as v from "valibot";
import type { ArtifactRegistryError } from "../../../core/errors.ts";
import { invoke } from "../../../core/invoke.ts";
import { once } from "../../../core/once.ts";
import type { Environment } from "../../../core/platform.ts";
import { openAtStart, type SuiteOptions } from "../../../core/suite.ts";
import { answerErrors, httpEvent, httpHandler } from "./http.ts";
import { chain, type LambdaHandler, throwErrors } from "./middleware.ts";
import { readSuite, type Suite } from "./suite.ts";

/**
 * Opens the function behind the door that the environment names. It never throws: a configuration that cannot be used is
 * reported to every caller, and is read again at the next call.
 */
export function createHandler(env: Environment, options: SuiteOptions = {}): LambdaHandler {
  const suite = once(() => readSuite(env, options));
  const opened = openAtStart(async () => open(await suite(), env), env, options);
  return async (event, context) => (await opened().catch(refuseAll))(event, context);
}

async function open(suite: Suite, env: Environment): Promise<LambdaHandler> {
  switch (suite.application.door.accepts) {
    case "http":
      return httpHandler(suite);
    case "invoke":
      return directHandler(suite);
    case "events": {
      // The other doors do without it.
      const { eventHandler } = await import("./events.ts");
      return eventHandler(suite, env);
    }
  }
}

/**
 * Serves the `invoke` and `provision` doors. The payload is the operation's input with `operation` in it, and the answer is
 * the operation's output. Anything else in a payload, such as a forged `requestContext`, is refused as an unknown field.
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
