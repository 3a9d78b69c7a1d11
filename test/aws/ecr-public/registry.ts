import { randomUUID } from "node:crypto";
import { afterAll, beforeAll } from "vitest";
import { createDirectory } from "../../../core/bindings.ts";
import { type CallOptions, startCall } from "../../../core/call.ts";
import type { Environment } from "../../../core/platform.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import { platform } from "../../../functions/aws/index.ts";
import { type PublicStack, type PublicStackOptions, startPublicStack } from "../support/public-stack.ts";

/** One account for the tests of a file, and this process as its function. */
export function usePublicStack(options: PublicStackOptions = {}): () => PublicStack {
  let stack: PublicStack | undefined;
  beforeAll(async () => {
    stack = await startPublicStack(options);
    stack.useInThisProcess();
  });
  afterAll(() => stack?.stop());
  return () => {
    if (stack === undefined) throw new Error("The account has not been set up.");
    return stack;
  };
}

/** The registry `images`, as this binding and environment open it. */
export function openRegistry(
  stack: PublicStack,
  binding: object = {},
  env: Environment = {},
): Promise<ArtifactRegistry> {
  const variables = { ...stack.env(), ALIEN_IMAGES_BINDING: stack.binding("images", binding), ...env };
  return createDirectory(platform, variables, ["images"]).open("images");
}

/** A call that tries once, so that a test sees what each try meets. */
export function call(options: Partial<CallOptions> = {}) {
  return startCall({
    requestId: randomUUID(),
    caller: { issuer: "door", subject: "alice" },
    signal: AbortSignal.timeout(20_000),
    now: () => new Date(),
    retry: { attempts: 1, baseMs: 1, capMs: 1 },
    ...options,
  });
}
