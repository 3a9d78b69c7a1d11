import { startSuite } from "../../contract/harness.ts";
import { places } from "./places.ts";
import { snippet } from "./programs.ts";

const source = await snippet("quick-start");
const shown = "console.log(JSON.stringify(creds));";

/** The overview's quick start in plain JavaScript. It prints the repository's address, and then a line with the credentials. */
export const quickStart = {
  /** An ES module. */
  esm: `${source.replace('"@alienplatform/sdk"', '"artifact-registry-functions"')}${shown}\n`,
  /** A CommonJS module, which cannot await outside of a function. */
  cjs: `const main = async () => {
${source.replace(/^import (.*) from .*$/m, 'const $1 = require("artifact-registry-functions");')}${shown}
};
main();
`,
} as const;

/** A function for the quick start to call, and a bearer token for it. */
export interface QuickStartFunction {
  readonly url: string;
  /** The environment of the program. */
  readonly env: Readonly<Record<string, string>>;
  /** What the program must have printed. @throws Error that shows what it printed instead */
  check(printed: string): void;
  stop(): Promise<void>;
}

/** Serves the local platform with a registry of its own. */
export async function openFunction(): Promise<QuickStartFunction> {
  const place = await places.local();
  const suite = await startSuite(place.platform, place.env, ["images"]);
  const binding = { service: "function", url: suite.url, platform: "local" };
  return {
    url: suite.url,
    env: { ALIEN_IMAGES_BINDING: JSON.stringify(binding), ALIEN_CALLER_TOKEN: "token-of-alice" },
    check(printed) {
      const [uri, credentials = ""] = printed.split("\n");
      if (uri !== place.uri || !/^\{.*"username":"token"/.test(credentials)) throw new Error(`It printed: ${printed}`);
    },
    async stop() {
      await suite.stop();
      await place.stop();
    },
  };
}
