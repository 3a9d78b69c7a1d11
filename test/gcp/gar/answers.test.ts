import { expect, test } from "vitest";
import { packageAt } from "../../emulators/gcp/artifact-registry/repository.ts";
import { crossAccountOf, emails, newCall, openRegistry, useStack } from "../support/registry.ts";

const stack = useStack();
let count = 0;

const subject = () => {
  const { gcp, repository } = stack();
  const registry = openRegistry(stack());
  const email = gcp.serviceAccount(`puller-${++count}`, { project: "customer-project" });
  gcp.calls.length = 0;
  const resource = repository("images");
  return { gcp, registry, name: registry.resolveId("my-app"), control: crossAccountOf(registry), email, resource };
};

test.each([
  [{ kind: "error", status: "NOT_FOUND" }, "BINDING_CONFIG_INVALID"],
  [{ kind: "error", status: "PERMISSION_DENIED" }, "ACCESS_DENIED"],
  [{ kind: "answer", output: {} }, "UNEXPECTED_RESPONSE_FORMAT"],
] as const)("a policy that cannot be read (%o) is %s, never one without grants", async (fault, code) => {
  const { gcp, control, name, email, resource } = subject();
  await control.add(name, emails(email), newCall());
  const before = gcp.policy(resource);
  const heal = gcp.faults.add({ fault, action: "GetIamPolicy", times: Number.POSITIVE_INFINITY });
  gcp.calls.length = 0;
  const refusal = { code, retryable: false };
  await expect(control.get(name, newCall())).rejects.toMatchObject(refusal);
  await expect(control.add(name, emails(email), newCall())).rejects.toMatchObject(refusal);
  await expect(control.remove(name, emails(email), newCall())).rejects.toMatchObject(refusal);
  expect(gcp.calls.map(({ action }) => action)).toEqual(["GetIamPolicy", "GetIamPolicy", "GetIamPolicy"]);
  expect(gcp.policy(resource)).toEqual(before);
  heal();
  await control.remove(name, emails(email), newCall());
});

test("an operation that is not known any more is no repository that is not found: its images may be there", async () => {
  const { gcp, registry, name, resource } = subject();
  const packages = gcp.world.repositories.get(resource)?.packages ?? new Map();
  packageAt({ packages }, "my-app", new Date());
  gcp.faults.add({ fault: { kind: "unending" }, action: "DeletePackage" });
  gcp.faults.add({ fault: { kind: "error", status: "NOT_FOUND" }, action: "GetOperation" });
  await expect(registry.deleteRepository(name, newCall())).rejects.toMatchObject({
    code: "CLOUD_PLATFORM_ERROR",
    retryable: true,
    hint: expect.stringContaining("same call again"),
  });
  expect(packages.has("my-app")).toBe(true);
  await registry.deleteRepository(name, newCall());
  expect(packages.has("my-app")).toBe(false);
});

test("an answer that is not an operation ends the wait for one", async () => {
  const { gcp, registry, name, resource } = subject();
  packageAt(gcp.world.repositories.get(resource) ?? { packages: new Map() }, "my-app", new Date());
  gcp.faults.add({ fault: { kind: "unending" }, action: "DeletePackage" });
  const odd = {
    fault: { kind: "answer", output: {} },
    action: "GetOperation",
    times: Number.POSITIVE_INFINITY,
  } as const;
  const heal = gcp.faults.add(odd);
  await expect(registry.deleteRepository(name, newCall())).rejects.toMatchObject({
    code: "UNEXPECTED_RESPONSE_FORMAT",
    retryable: false,
  });
  expect(gcp.calls.filter(({ action }) => action === "GetOperation")).toHaveLength(1);
  heal();
});

test.each([
  {},
  { accessToken: "", expireTime: "2030-01-01T00:00:00Z" },
  { accessToken: 4711, expireTime: "2030-01-01T00:00:00Z" },
  { accessToken: "not-told" },
  { accessToken: "not-told", expireTime: "soon" },
  { accessToken: "not-told", expireTime: 1_893_456_000 },
])("an answer without a token and its end (%o) makes no credentials", async (output) => {
  const { gcp, registry, name } = subject();
  gcp.faults.add({ fault: { kind: "answer", output }, action: "generateAccessToken" });
  const refusal = await registry
    .generateCredentials({ name, permissions: "pull", ttlSeconds: 900 }, newCall())
    .catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: "UNEXPECTED_RESPONSE_FORMAT", retryable: false });
  expect(JSON.stringify(refusal)).not.toContain("not-told");
});

test("an account that was disabled cannot be impersonated, and the hint says so", async () => {
  const { gcp, registry, name } = subject();
  gcp.faults.add({ fault: { kind: "error", status: "FAILED_PRECONDITION" }, action: "generateAccessToken" });
  await expect(
    registry.generateCredentials({ name, permissions: "pull", ttlSeconds: 900 }, newCall()),
  ).rejects.toMatchObject({
    code: "ACCESS_DENIED",
    retryable: false,
    hint: expect.stringContaining("enabled"),
  });
});

test("throttling for longer than a caller can wait is handed on, with its time", async () => {
  const { gcp, registry, name } = subject();
  const fault = { kind: "throttle", retryAfterSeconds: 30 } as const;
  gcp.faults.add({ fault, action: "generateAccessToken", times: Number.POSITIVE_INFINITY });
  await expect(
    registry.generateCredentials({ name, permissions: "pull", ttlSeconds: 900 }, newCall()),
  ).rejects.toMatchObject({
    code: "RATE_LIMIT_EXCEEDED",
    retryable: true,
    retryAfterSeconds: 30,
  });
  expect(gcp.calls.filter(({ action }) => action === "generateAccessToken")).toHaveLength(1);
  gcp.faults.clear();
});

// The last, since the emulator's clock goes on.
test("credentials open the registry until expiresAt, and not after it", async () => {
  const { gcp, registry, name } = subject();
  const { username, password, expiresAt } = await registry.generateCredentials(
    { name, permissions: "pull", ttlSeconds: 900 },
    newCall(),
  );
  const authorization = `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString("base64")}`;
  const knock = async () => (await fetch(`${gcp.registryUrl()}/v2/`, { headers: { authorization } })).status;
  gcp.advance((expiresAt?.getTime() ?? 0) - Date.now() - 600_000);
  expect(await knock()).toBe(200);
  gcp.advance(601_000);
  expect(await knock()).toBe(401);
});
