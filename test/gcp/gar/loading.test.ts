import { expect, test } from "vitest";
import { answerOf } from "../../support/program.ts";
import { useStack } from "../support/registry.ts";

const stack = useStack({ repositories: ["images", "acme-images"] });

/** Runs a request in a process of its own. Returns the packages that have been loaded by then. */
async function loadedBy(request: string, derived = false): Promise<string[]> {
  const program = `
    import Module, { registerHooks } from "node:module";
    import { startCall } from "./core/call.ts";
    const loaded = new Set();
    const note = (path) => {
      const name = /node_modules\\/((?:@[^/]+\\/)?[^/]+)\\/(?!.*node_modules)/.exec(path)?.[1];
      if (name) loaded.add(name);
    };
    registerHooks({ load(url, context, next) { note(url); return next(url, context); } });
    const { platform } = await import("./functions/gcp/index.ts");
    const derived = ${derived};
    const binding = derived ? platform.deriveBinding("images", process.env) : JSON.parse(process.env.BINDING);
    const registry = await platform.services.gar.open({ name: "images", binding, derived, others: [], env: process.env });
    const name = registry.resolveId("my-app");
    const caller = { issuer: "door", subject: "test" };
    const call = startCall({ requestId: "r", caller, signal: AbortSignal.timeout(20_000), now: () => new Date() });
    ${request};
    for (const path of Object.keys(Module._cache)) note(path);
    console.log(JSON.stringify([...loaded]));
    process.exit(0);`;
  const place = { GOOGLE_CLOUD_LOCATION: stack().location, ALIEN_STACK_PREFIX: "acme" };
  const env = { ...process.env, ...stack().env(), ...place, BINDING: stack().binding("images") };
  return answerOf<string[]>(program, env);
}

const heavy = ["google-gax", "@grpc/grpc-js", "@google-cloud/artifact-registry", "protobufjs"];

test.each([false, true])(
  "a request for credentials loads none of Google's libraries (derived: %s)",
  async (derived) => {
    const loaded = await loadedBy(
      'await registry.generateCredentials({ name, permissions: "pull", ttlSeconds: 900 }, call)',
      derived,
    );
    // The counting counts.
    expect(loaded).toContain("valibot");
    expect(loaded.filter((name) => ["google-auth-library", "gaxios", ...heavy].includes(name))).toEqual([]);
  },
);

test("the control plane is loaded by the first request that needs it", async () => {
  expect(await loadedBy("await registry.crossAccount.get(name, call)")).toEqual(expect.arrayContaining(heavy));
});
