import { afterEach, describe, expect, test } from "vitest";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { ArtifactRegistry } from "../../../core/registry.ts";
import type { Fault } from "../../emulators/aws/index.ts";
import { call, openRegistry, usePublicStack } from "./registry.ts";

const stack = usePublicStack();
let count = 0;

interface Operation {
  readonly requests: readonly string[];
  /** Whether the repository is there before, and after. */
  readonly exists: readonly [before: boolean, after: boolean];
  run(registry: ArtifactRegistry, name: RoutableName, call: Call): Promise<unknown>;
}

const operations: Readonly<Record<string, Operation>> = {
  "createRepository of a new one": {
    requests: ["CreateRepository"],
    exists: [false, true],
    run: (registry, name, call) => registry.createRepository(name, call),
  },
  "createRepository of one that exists": {
    requests: ["CreateRepository", "DescribeRepositories"],
    exists: [true, true],
    run: (registry, name, call) => registry.createRepository(name, call),
  },
  getRepository: {
    requests: ["DescribeRepositories"],
    exists: [true, true],
    run: (registry, name, call) => registry.getRepository(name, call),
  },
  deleteRepository: {
    requests: ["DeleteRepository"],
    exists: [true, false],
    run: (registry, name, call) => registry.deleteRepository(name, call),
  },
  listRepositories: {
    requests: ["DescribeRepositories", "DescribeRegistries"],
    exists: [true, true],
    run: (registry, _name, call) => registry.listRepositories?.({ pageSize: 100 }, call) ?? Promise.reject(),
  },
  listImages: {
    requests: ["DescribeImages"],
    exists: [true, true],
    run: (registry, name, call) => registry.listImages?.(name, { pageSize: 100 }, call) ?? Promise.reject(),
  },
  deleteImage: {
    requests: ["BatchDeleteImage"],
    exists: [true, true],
    run: (registry, name, call) => registry.deleteImage?.(name, { tag: "1.0" }, call) ?? Promise.reject(),
  },
  generateCredentials: {
    requests: ["AssumeRole", "GetAuthorizationToken"],
    exists: [true, true],
    run: (registry, name, call) => registry.generateCredentials({ name, permissions: "push-pull" }, call),
  },
};

const faults: readonly [Fault, code: string, retryable: boolean][] = [
  [{ kind: "throttle", retryAfterSeconds: 1 }, "RATE_LIMIT_EXCEEDED", true],
  [{ kind: "failure", status: 500 }, "CLOUD_PLATFORM_ERROR", true],
  [{ kind: "failure", status: 503 }, "CLOUD_PLATFORM_ERROR", true],
  [{ kind: "reset" }, "SERVICE_UNAVAILABLE", true],
  [{ kind: "lost" }, "SERVICE_UNAVAILABLE", true],
  [{ kind: "slow", ms: 400 }, "TIMEOUT", true],
  [{ kind: "error", code: "AccessDeniedException" }, "ACCESS_DENIED", false],
  [{ kind: "error", code: "ExpiredTokenException" }, "BINDING_CONFIG_INVALID", false],
  [{ kind: "error", code: "LimitExceededException" }, "QUOTA_EXCEEDED", false],
];

const table = Object.entries(operations).flatMap(([title, { requests }]) => requests.map((at) => [title, at] as const));

const exists = (name: string) => stack().emulator.world.publicRegistry(stack().account).repositories.has(name);

async function arrange({
  exists: [before],
  requests,
}: Operation): Promise<{ registry: ArtifactRegistry; name: RoutableName }> {
  const registry = await openRegistry(stack());
  const mints = requests.includes("AssumeRole");
  const name = registry.routeName(`app-${++count}`);
  if (before) await registry.createRepository(name, call());
  // What is denied at first may be new, and is waited for.
  if (mints) await registry.generateCredentials({ name, permissions: "push-pull" }, call());
  return { registry, name };
}

/** All that nobody may see. */
function secrets(): string[] {
  const { AWS_SECRET_ACCESS_KEY = "", AWS_SESSION_TOKEN = "" } = process.env;
  return [AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, ...stack().emulator.world.tokens.keys()];
}

afterEach(() => stack().emulator.faults.clear());

describe.each(table)("%s, at %s", (title, action) => {
  const operation = operations[title];
  if (operation === undefined) throw new Error(`There is no ${title}.`);

  test.each(faults)(
    "%j is told as %s, leaves a state that is before or after, and the same call finishes it",
    async (fault, code, retryable) => {
      const { registry, name } = await arrange(operation);
      stack().emulator.faults.add({ action, fault });
      const limits = fault.kind === "slow" ? { upstreamTimeoutMs: 100 } : {};
      const error = await operation.run(registry, name, call(limits)).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (!(error instanceof ArtifactRegistryError)) throw new Error(`Not refused properly: ${String(error)}`);
      expect([error.code, error.retryable]).toEqual([code, retryable]);
      if (code === "ACCESS_DENIED") expect(error.hint).toContain(action);
      if (fault.kind === "throttle" && action !== "AssumeRole") expect(error.retryAfterSeconds).toBe(1);
      const wire = JSON.stringify(error.toWire("request-1"));
      for (const secret of secrets()) expect(wire).not.toContain(secret);

      const [before, after] = operation.exists;
      const applied = fault.kind === "lost" || fault.kind === "slow";
      if (fault.kind !== "slow") expect(exists(name)).toBe(applied ? after : before);
      await operation.run(registry, name, call());
      expect(exists(name)).toBe(after);
    },
  );

  test.each(faults.filter(([, , retryable]) => retryable).map(([fault]) => fault))(
    "one %j is not even noticed, since the core asks again",
    async (fault) => {
      const { registry, name } = await arrange(operation);
      stack().emulator.faults.add({ action, fault });
      const retry = { attempts: 3, baseMs: 1, capMs: 1_500 };
      const patient = call({ retry, ...(fault.kind === "slow" && { upstreamTimeoutMs: 100 }) });
      await operation.run(registry, name, patient);
      expect(patient.upstreamCalls).toBeGreaterThan(operation.requests.length);
      expect(exists(name)).toBe(operation.exists[1]);
    },
  );
});

test("a repository that goes while it is created again is a conflict that passes", async () => {
  const operation = operations["createRepository of one that exists"];
  if (operation === undefined) throw new Error("There is no such operation.");
  const { registry, name } = await arrange(operation);
  const { emulator, account } = stack();
  emulator.faults.before = ({ action }) => {
    if (action === "DescribeRepositories") emulator.world.publicRegistry(account).repositories.delete(name);
  };
  await expect(registry.createRepository(name, call())).rejects.toMatchObject({
    code: "RESOURCE_CONFLICT",
    retryable: true,
  });
  expect((await registry.createRepository(name, call())).name).toBe(`${stack().alias}/${name}`);
});

test("an account without a public registry has no repository", async () => {
  const registry = await openRegistry(stack());
  const none = registry.routeName("none");
  stack().emulator.faults.add({
    matches: ({ service }) => service === "ecr-public",
    fault: { kind: "error", code: "RegistryNotFoundException" },
    times: Number.POSITIVE_INFINITY,
  });
  const absent = { code: "RESOURCE_NOT_FOUND" };
  await expect(registry.getRepository(none, call())).rejects.toMatchObject(absent);
  await expect(registry.listImages?.(none, { pageSize: 1 }, call())).rejects.toMatchObject(absent);
  expect(await registry.listRepositories?.({ pageSize: 1 }, call())).toEqual({ items: [] });
  await registry.deleteImage?.(none, { tag: "1.0" }, call());
});
