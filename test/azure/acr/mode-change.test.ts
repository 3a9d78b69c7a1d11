import { afterEach, beforeEach, expect, test } from "vitest";
import { startCall } from "../../../core/call.ts";
import { withCredentialCache } from "../../../core/credential-cache.ts";
import { callsOf, clientOf, containerRegistry, openRegistry, useStack } from "../support/registry.ts";

/**
 * A registry that goes over to role assignments for repositories (`rbac-abac`), or back, ends all of its tokens at once. Nobody tells the functions
 * that serve it.
 */
const stack = useStack();
let now = Date.now();
const call = () =>
  startCall({
    requestId: "test",
    caller: { issuer: "door", subject: "test" },
    signal: AbortSignal.timeout(20_000),
    now: () => new Date(now),
  });

beforeEach(() => {
  now = Date.now();
  const { azure, identity, registryId } = stack();
  azure.assign(identity, "Container Registry Repository Contributor", registryId);
});
afterEach(() => {
  containerRegistry(stack()).mode = "LegacyRegistryPermissions";
  stack().azure.calls.length = 0;
});

function open() {
  const registry = withCredentialCache("images", openRegistry(stack()));
  const mint = async (name: string) =>
    (
      await registry.generateCredentials({ name: registry.routeName(name), permissions: "pull" }, call())
    ).password.reveal();
  return { mint, works: (token: string, name: string) => status(token, `images/${name}`) };
}

/** 404, since nobody has pushed anything, to whoever is let in. */
async function status(bearer: string, repository: string): Promise<number> {
  return clientOf(stack(), bearer)
    .tags(repository)
    .then(
      () => 200,
      (error: { status: number }) => error.status,
    );
}

test("the same credential is handed out again for a minute, and then only a new one", async () => {
  const { mint } = open();
  const first = await mint("app");
  stack().azure.calls.length = 0;
  now += 59_000;
  expect(await mint("app")).toBe(first);
  expect(callsOf(stack())).toEqual([]);
  now += 2_000;
  expect(await mint("app")).not.toBe(first);
  // No more than the one call that a new one takes.
  expect(callsOf(stack())).toEqual(["acr token"]);
});

test("a minute after the mode was changed, no dead credential is handed out any more", async () => {
  const { mint, works } = open();
  const first = await mint("app");
  expect(await works(first, "app")).toBe(404);
  containerRegistry(stack()).mode = "AbacRepositoryPermissions";
  expect(await works(first, "app")).toBe(401);
  now += 61_000;
  expect(await works(await mint("app"), "app")).toBe(404);
});

test("as soon as any request shows that the registry's tokens have ended, all that are kept are forgotten", async () => {
  const { mint, works } = open();
  const first = await mint("app");
  containerRegistry(stack()).mode = "AbacRepositoryPermissions";
  // Another repository's needs a new token, for which the kept refresh token is refused.
  expect(await works(await mint("other"), "other")).toBe(404);
  const again = await mint("app");
  expect(again).not.toBe(first);
  expect(await works(again, "app")).toBe(404);
});
