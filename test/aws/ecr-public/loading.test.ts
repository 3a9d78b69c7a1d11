import { expect, test } from "vitest";
import { answerOf } from "../../support/program.ts";
import { usePublicStack } from "./registry.ts";

const stack = usePublicStack();

/** Opens the registry in a process of its own. Returns which of AWS's clients have been loaded by then. */
async function loadedBy(binding: string): Promise<string[]> {
  const program = `
    import { registerHooks } from "node:module";
    const loaded = new Set();
    registerHooks({
      load(url, context, next) {
        const client = /@aws-sdk\\/(client-[a-z-]+)\\//.exec(url)?.[1];
        if (client) loaded.add(client);
        return next(url, context);
      },
    });
    const { platform } = await import("./functions/aws/index.ts");
    const binding = JSON.parse(process.env.BINDING);
    const service = platform.services[binding.service];
    await service.open({ name: "images", binding, derived: false, others: [], env: process.env });
    console.log(JSON.stringify([...loaded]));`;
  const env = { ...process.env, ...stack().env(), BINDING: binding };
  return answerOf<string[]>(program, env);
}

test("the client of ECR Public is loaded by a public registry, and none by a private one that nobody has asked yet", async () => {
  expect(await loadedBy(JSON.stringify({ service: "ecr", repositoryPrefix: "images" }))).toEqual([]);
  expect(await loadedBy(stack().binding("images"))).toContain("client-ecr-public");
});
