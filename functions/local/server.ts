import { explainStart, stopOnSignals } from "../../core/server/start.ts";
import { type LocalSuite, serveLocal } from "./serve.ts";
import { welcome } from "./welcome.ts";

/** The entry of `npm start`: starts the suite, tells how to use it, and stops it on a signal. */
async function main(): Promise<void> {
  let suite: LocalSuite;
  try {
    suite = await serveLocal(process.env, {
      log: (message, cause) => console.error(`registry: ${message}: ${cause instanceof Error ? cause.name : cause}`),
    });
  } catch (error) {
    console.error(
      `error: ${explainStart(error, "Set PORT (the API) or REGISTRY_PORT (the registry) to another one.")}`,
    );
    process.exitCode = 1;
    return;
  }
  console.log(welcome(suite));
  stopOnSignals(async (signal) => {
    console.log(`${signal}: finishing what is in flight ...`);
    await suite.close();
    return 0;
  });
}

await main();
