import { startSuite } from "../../server.ts";
import type { Place } from "../place.ts";

/** Programs on one's own machine, which hold the caller token. */
export async function onLocal(): Promise<Place> {
  const suite = await startSuite();
  return {
    platform: "local",
    form: "bearer",
    open: async () => ({ url: suite.url, log: suite.log, stop: async () => {} }),
    worker: { env: { ALIEN_CALLER_TOKEN: suite.callerToken } },
    seenAs: ["local"],
    refused: {
      "with another token": {
        env: { ALIEN_CALLER_TOKEN: "another" },
        code: "AUTHENTICATION_ERROR",
        hint: /the token that the server printed/,
        byHandler: true,
      },
      "without a token": { env: {}, code: "AUTHENTICATION_ERROR", hint: /bearer token/ },
    },
    reach: () => `http://${suite.registry}`,
    stop: () => suite.stop(),
  };
}
