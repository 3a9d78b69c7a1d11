import { describe, expect, test } from "vitest";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import type { Statement } from "../../emulators/aws/identity/documents.ts";
import { functionNeeds, startPublicStack } from "../support/public-stack.ts";
import { openRegistry, call as startCall } from "./registry.ts";

const name = "images-app" as RoutableName;
let minutes = 0;
/** Each look at the clock is a minute later, so that nobody waits for what may be new. */
const call = () => startCall({ now: () => new Date(Date.now() + 60_000 * minutes++) });

/** Every operation, and what each ended with. */
async function everything(registry: ArtifactRegistry): Promise<Record<string, string>> {
  const outcome = (work: Promise<unknown>) =>
    work.then(
      () => "ok",
      (error: unknown) =>
        error instanceof ArtifactRegistryError ? `${error.code}: ${error.hint}` : String(error).replace(/^Error: /, ""),
    );
  return {
    describe: await outcome(registry.upstreamPath?.(call()) ?? Promise.reject()),
    health: await outcome(
      registry.health(call()).then(({ findings }) => {
        if (findings.length > 0) throw new Error(`ACCESS_DENIED: ${findings[0]?.hint}`);
      }),
    ),
    create: await outcome(registry.createRepository(name, call())),
    "create again": await outcome(registry.createRepository(name, call())),
    "look again": await outcome(registry.health(call())),
    get: await outcome(registry.getRepository(name, call())),
    pull: await outcome(registry.generateCredentials({ name, permissions: "pull" }, call())),
    push: await outcome(registry.generateCredentials({ name, permissions: "push-pull" }, call())),
    list: await outcome(registry.listRepositories?.({ pageSize: 100 }, call()) ?? Promise.reject()),
    images: await outcome(registry.listImages?.(name, { pageSize: 100 }, call()) ?? Promise.reject()),
    "delete an image": await outcome(registry.deleteImage?.(name, { tag: "1.0" }, call()) ?? Promise.reject()),
    delete: await outcome(registry.deleteRepository(name, call())),
  };
}

async function under(functionStatements: (needed: readonly Statement[]) => readonly Statement[]) {
  const stack = await startPublicStack({ prefixes: ["images"], functionStatements });
  try {
    stack.useInThisProcess();
    return Object.values(
      await everything(await openRegistry(stack, { catalogData: { about: "# About", logo: "aW1hZ2U=" } })),
    );
  } finally {
    await stack.stop();
  }
}

describe("what the function's role may do", () => {
  const needed = functionNeeds("aws", "111122223333", ["images"]);

  test("suffices", async () => {
    expect(await under((all) => all)).toEqual(Array(12).fill("ok"));
  });

  test.each([...new Set(needed.map(({ Action }) => String(Action)))])(
    "is not enough without %s, and the hint says so",
    async (action) => {
      const outcomes = await under((all) => all.filter((statement) => statement.Action !== action));
      const denied = outcomes.filter((outcome) => outcome.startsWith("ACCESS_DENIED"));
      expect(denied).not.toEqual([]);
      for (const outcome of denied) expect(outcome).toContain(action);
    },
  );
});
