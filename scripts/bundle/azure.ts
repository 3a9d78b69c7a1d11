import { writeFile } from "node:fs/promises";
import { bundleFunction } from "./function.ts";

/** Left out of the bundle: the host's worker hands it to whoever requires it, and it is to be had nowhere else. */
const injected = "@azure/functions-core";

const packageJson = {
  name: "artifact-registry-azure",
  version: "0.0.0",
  private: true,
  type: "commonjs",
  main: "index.js",
  engines: { node: ">=22" },
};

/** What the host of a function app reads (Microsoft Learn, "host.json reference for Azure Functions 2.x and later"). */
const hostJson = {
  version: "2.0",
  // More than an event may take, and a pause before it is given back (functions/azure/doors/events.ts).
  functionTimeout: "00:03:00",
  extensionBundle: { id: "Microsoft.Azure.Functions.ExtensionBundle", version: "[4.*, 5.0.0)" },
  extensions: {
    // Paths are those of every platform, without `api` before them.
    http: { routePrefix: "" },
    // A message goes when its event is done with, and is locked for as long as that takes.
    serviceBus: { autoCompleteMessages: true, maxAutoLockRenewalDuration: "00:05:00", maxConcurrentCalls: 8 },
  },
  // The audit log is written to the standard output, which the host makes traces of: none of them is left out.
  logging: { applicationInsights: { samplingSettings: { isEnabled: true, excludedTypes: "Trace;Exception" } } },
};

/** What is deployed to a function app. */
export async function bundleAzure(): Promise<void> {
  const outdir = "dist/azure";
  await bundleFunction({
    outdir,
    entryPoint: "functions/azure/handler.ts",
    packageJson,
    options: {
      external: [injected],
      alias: { debug: "./scripts/bundle/no-debug.ts", jsonwebtoken: "./scripts/bundle/no-jsonwebtoken.ts" },
    },
  });
  await writeFile(`${outdir}/host.json`, `${JSON.stringify(hostJson, undefined, 2)}\n`);
}
