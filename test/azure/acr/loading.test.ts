import { expect, test } from "vitest";
import { answerOf } from "../../support/program.ts";
import { useStack } from "../support/registry.ts";

const stack = useStack();

/** Runs a request in a process of its own. Returns the packages that have been loaded by then. */
async function loadedBy(request: string): Promise<string[]> {
  const program = `
    import Module, { registerHooks } from "node:module";
    import { startCall } from "./core/call.ts";
    const loaded = new Set();
    const note = (path) => {
      const name = /node_modules\\/((?:@[^/]+\\/)?[^/]+)\\/(?!.*node_modules)/.exec(path)?.[1];
      if (name) loaded.add(name);
    };
    registerHooks({ load(url, context, next) { note(url); return next(url, context); } });
    const { platform } = await import("./functions/azure/index.ts");
    const binding = JSON.parse(process.env.BINDING);
    const registry = await platform.services.acr.open({ name: "images", binding, derived: false, others: [], env: process.env });
    const name = registry.resolveId("my-app");
    const caller = { issuer: "door", subject: "test" };
    const call = startCall({ requestId: "r", caller, signal: AbortSignal.timeout(20_000), now: () => new Date() });
    ${request};
    for (const path of Object.keys(Module._cache)) note(path);
    console.log(JSON.stringify([...loaded]));
    process.exit(0);`;
  const env = { ...process.env, ...stack().env(), BINDING: stack().binding("images") };
  return answerOf<string[]>(program, env);
}

const heavy = ["@azure/arm-containerregistry", "@azure/core-lro", "@azure-rest/core-client"];

test("opening a registry loads no library of Azure's", async () => {
  expect((await loadedBy("")).filter((name) => name.startsWith("@azure"))).toEqual([]);
});

test("a request for credentials loads no library of Azure's either", async () => {
  const loaded = await loadedBy(
    'await registry.generateCredentials({ name, permissions: "pull", ttlSeconds: 900 }, call)',
  );
  // Where the platform gives a managed identity, one plain request gets its token.
  expect(loaded.filter((name) => heavy.includes(name) || name.startsWith("@azure"))).toEqual([]);
});

test("that client is loaded by the first request that needs it, and the one for role assignments is not", async () => {
  const loaded = await loadedBy("await registry.createRepository(name, call)");
  expect(loaded).toEqual(expect.arrayContaining(heavy));
  expect(loaded).not.toContain("@azure/arm-authorization");
});
