import type { Environment } from "../../core/platform.ts";
import { explainStart, stopOnSignals } from "../../core/server/start.ts";
import { type LocalSuite, serveLocal } from "./serve.ts";
import { welcome } from "./welcome.ts";

/** Starts the suite, tells how to use it, and stops it on a signal. @returns false when it could not start, and said why */
export async function run(env: Environment): Promise<boolean> {
  let suite: LocalSuite;
  try {
    suite = await serveLocal(env, {
      log: (message, cause) => console.error(`error: ${message}: ${cause instanceof Error ? cause.name : cause}`),
      warn: (message) => console.error(`warning: ${message}`),
    });
  } catch (error) {
    console.error(
      `error: ${explainStart(error, "Set PORT (the API) or REGISTRY_PORT (the registry) to another one.")}`,
    );
    return false;
  }
  stopOnSignals(async (signal) => {
    console.log(`${signal}: finishing what is in flight ...`);
    await suite.close();
    return 0;
  });
  // Last: whoever reads it may send a signal at once.
  console.log(welcome(suite));
  return true;
}
