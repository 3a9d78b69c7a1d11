import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ArtifactRegistryCredentials } from "../../../core/schemas.ts";
import { trustPolicy } from "../../../functions/aws/policy/roles.ts";
import { createClient, type OciClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import type { CallRecord } from "../../emulators/aws/index.ts";
import { registryRefusal } from "../../emulators/aws/support.ts";
import { type ApplicationParts, openApplication } from "./support/application.ts";
import { imageOf, useRegistry } from "./support/registry.ts";

const west = "eu-west-1";
// Whether a token of one region opens another is not known; where it does, its scope must hold there too.
const registry = useRegistry({ replicaRegions: [west], behaviour: { regionalTokens: false } });
const onLambda = { AWS_LAMBDA_FUNCTION_NAME: "artifact-registry" };
afterEach(() => registry().emulator.faults.clear());

type Permissions = "pull" | "push-pull";

/** Mints anew, past the cache of other tests. */
async function mint(
  repoId: string,
  permissions: Permissions,
  ttlSeconds?: number,
  parts: ApplicationParts = { env: onLambda },
) {
  const { ask } = openApplication(registry().stack, parts);
  const before = Date.now();
  const { status, body } = await ask("generateCredentials", {
    repoId,
    permissions,
    ...(ttlSeconds !== undefined && { ttlSeconds }),
  });
  expect(status).toBe(200);
  return { credentials: body as unknown as ArtifactRegistryCredentials, before, after: Date.now() };
}

const client = ({ username, password }: ArtifactRegistryCredentials, region = "us-east-1"): OciClient =>
  createClient({ url: registry().emulator.registryUrl(region), credentials: { username, password } });
const status = async (work: Promise<unknown>) => (await registryRefusal(work)).status;

describe("what the credentials open", () => {
  let mine: string;
  let sibling: string;
  beforeAll(async () => {
    mine = await registry().repository("app");
    sibling = await registry().repository(mine.slice("images-".length));
  });

  test.each(["pull", "push-pull"] as const)("%s: the one repository, not one whose name goes on", async (kind) => {
    const { credentials } = await mint(mine, kind);
    expect(sibling.startsWith(mine)).toBe(true);
    expect(await pullImage(client(credentials), mine, "1.0")).toEqual(imageOf(mine));
    for (const other of [sibling, "images", "builds", `${mine}/nested`]) {
      expect(await status(pullImage(client(credentials), other, "1.0"))).toBe(403);
      expect(await status(pushImage(client(credentials), other, "2.0", imageOf(other)))).toBe(403);
    }
  });

  test("further repositories, to pull from alone, in each region", async () => {
    const { ask } = openApplication(registry().stack, { env: onLambda });
    const app = await registry().repository("app");
    const { body } = await ask("generateCredentials", { repoId: app, permissions: "push-pull", alsoPull: [mine] });
    const credentials = body as unknown as ArtifactRegistryCredentials;
    for (const region of ["us-east-1", west]) {
      expect(await pullImage(client(credentials, region), mine, "1.0")).toEqual(imageOf(mine));
      expect(await status(pullImage(client(credentials, region), sibling, "1.0"))).toBe(403);
    }
    expect(await status(pushImage(client(credentials), mine, "2.0", imageOf("x")))).toBe(403);
    await pushImage(client(credentials), app, "2.0", imageOf(mine));
    expect(await pullImage(client(credentials), app, "2.0")).toEqual(imageOf(mine));
  });

  test("pull does not push, push does", async () => {
    const image = imageOf("pushed");
    expect(await status(pushImage(client((await mint(mine, "pull")).credentials), mine, "2.0", image))).toBe(403);
    const { credentials } = await mint(mine, "push-pull");
    await pushImage(client(credentials), mine, "2.0", image);
    expect(await pullImage(client(credentials), mine, "2.0")).toEqual(image);
  });

  test("nothing that pushing would have to create", async () => {
    const { credentials } = await mint("images-not-made", "push-pull");
    const refused = pushImage(client(credentials), "images-not-made", "1.0", imageOf("x"));
    expect(await status(refused)).toBeGreaterThanOrEqual(400);
    expect(registry().emulator.world.registry("111122223333", "us-east-1").repositories.has("images-not-made")).toBe(
      false,
    );
  });

  test("the replica under the same scope", async () => {
    const { credentials } = await mint(mine, "pull");
    expect(await pullImage(client(credentials, west), mine, "1.0")).toEqual(imageOf(mine));
    expect(await status(pullImage(client(credentials, west), sibling, "1.0"))).toBe(403);
    expect(await status(pushImage(client(credentials, west), mine, "2.0", imageOf("x")))).toBe(403);
  });
});

describe("how long they last", () => {
  const hour = 3_600;
  const half = 43_200;
  /** They were minted at some moment between the two; a second is for roundings. */
  const expectSeconds = ({ credentials, before, after }: Awaited<ReturnType<typeof mint>>, seconds: number) => {
    const end = Date.parse(credentials.expiresAt ?? "");
    expect(end).toBeGreaterThan(before + (seconds - 1) * 1_000);
    expect(end).toBeLessThan(after + (seconds + 1) * 1_000);
  };
  const durations = (calls: readonly CallRecord[]) =>
    calls.filter(({ action }) => action === "AssumeRole").map(({ input }) => Number(input.DurationSeconds));

  test.each([
    ["less than the least", 1, 900],
    ["the least", 900, 900],
    ["what was asked for", 1_234, 1_234],
    ["nothing said", undefined, hour],
    ["an hour", hour, hour],
    ["more than chaining allows", 7_200, hour],
    ["more than anything allows", 1e12, hour],
  ])("on Lambda: %s", async (_title, ttl, granted) => {
    const { result, calls } = await observed(() => mint("images", "pull", ttl));
    expectSeconds(result, granted);
    expect(durations(calls)).toEqual([granted]);
  });

  test.each([
    { title: "a user's keys get what they ask for", keys: "user", limit: half, ttl: 7_200, asked: [7_200] },
    { title: "and no more than twelve hours", keys: "user", limit: half, ttl: 1e12, asked: [half] },
    { title: "a role's own limit is found out by asking", keys: "user", limit: hour, ttl: 7_200, asked: [7_200, hour] },
    { title: "and so is a chained session's", keys: "role", limit: half, ttl: 7_200, asked: [7_200, hour] },
  ])("off Lambda: $title", async ({ keys, limit, ttl, asked }) => {
    const { emulator, stack } = registry();
    const { account } = stack;
    const Resource = "*";
    const pullRoleArn = emulator.role(account, `long-${limit}`, {
      trust: { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: "sts:AssumeRole" },
      policies: { Effect: "Allow", Action: "ecr:*", Resource },
      maxSessionDuration: limit,
    });
    const policies = { Effect: "Allow" as const, Action: "sts:AssumeRole", Resource };
    const credentials =
      keys === "user"
        ? emulator.userCredentials(account, `user-${limit}-${ttl}`, policies)
        : emulator.credentialsFor(stack.functionRole);
    const { result, calls } = await under(stack.env(credentials), () =>
      observed(() => mint("images", "pull", ttl, { env: {}, binding: { pullRoleArn } })),
    );
    expect(durations(calls)).toEqual(asked);
    expectSeconds(result, asked.at(-1) ?? 0);
  });

  test("a token that ends before its session decides", async () => {
    const expiresAt = new Date(Math.ceil(Date.now() / 1_000 + 1_800) * 1_000);
    const authorizationToken = Buffer.from("AWS:token").toString("base64");
    registry().emulator.faults.add({
      fault: { kind: "answer", output: { authorizationData: [{ authorizationToken, expiresAt }] } },
      action: "GetAuthorizationToken",
    });
    const { credentials } = await mint("images", "pull");
    expect(credentials).toMatchObject({ password: "token", expiresAt: expiresAt.toISOString() });
  });
});

describe("who asked", () => {
  test.each([
    ["alice", "door-alice"],
    ["a name/with: more", "door-a-name-with-more"],
    ["x".repeat(200), `door-${"x".repeat(22)}`],
    ["ü", "door-"],
  ])("%s and the credential's id are the session's name", async (caller, name) => {
    const { ask } = openApplication(registry().stack);
    const { result, calls } = await observed(() =>
      ask("generateCredentials", { repoId: "images", permissions: "pull" }, caller),
    );
    expect(result.status).toBe(200);
    expect(calls.map(({ service, action }) => `${service} ${action}`)).toEqual([
      "sts AssumeRole",
      "ecr GetAuthorizationToken",
    ]);
    const [assume, token] = calls;
    expect(assume?.principal).toBe("arn:aws:sts::111122223333:assumed-role/function/function");
    const { credentialId } = result.body as { credentialId: string };
    expect(assume?.input.RoleSessionName).toBe(`${name}.${credentialId}`);
    expect(String(assume?.input.RoleSessionName).length).toBeLessThanOrEqual(64);
    // The function's own identity never asks for a token.
    expect(token?.principal).toBe(
      `arn:aws:sts::111122223333:assumed-role/images-pull/${String(assume?.input.RoleSessionName)}`,
    );
  });
});

describe("what is refused", () => {
  const ask = async (binding: object, permissions: Permissions = "pull", hurried = false) => {
    // Each look at the clock is a minute later, so that nobody waits for what may be new.
    let minutes = 0;
    const now = () => new Date(Date.now() + 60_000 * minutes++);
    const { ask } = openApplication(registry().stack, { binding, env: onLambda, ...(hurried && { now }) });
    const { result, calls } = await observed(() => ask("generateCredentials", { repoId: "images", permissions }));
    return { error: result.body, calls };
  };

  test.each([
    ["pull", "pullRoleArn"],
    ["push-pull", "pushRoleArn"],
  ] as const)("%s without a bound role, before any call", async (permissions, field) => {
    const { error, calls } = await ask({ [field]: undefined }, permissions);
    expect(error).toMatchObject({ code: "BINDING_CONFIG_INVALID", retryable: false, context: { field } });
    expect(calls).toEqual([]);
  });

  test("further repositories whose names fill the session's policy, before any call", async () => {
    const { ask } = openApplication(registry().stack, { env: onLambda });
    const names = (count: number) => Array.from({ length: count }, (_, at) => `images-${at}`.padEnd(256, "x"));
    const input = { repoId: "images", permissions: "push-pull" };
    const few = await observed(() => ask("generateCredentials", { ...input, alsoPull: names(3) }));
    expect([few.result.status, few.calls.length]).toEqual([200, 2]);
    const { result, calls } = await observed(() => ask("generateCredentials", { ...input, alsoPull: names(10) }));
    expect(result.body).toMatchObject({
      code: "INVALID_INPUT",
      message: expect.stringContaining("AWS takes 2048"),
      context: { field: "alsoPull" },
      retryable: false,
    });
    expect(calls).toEqual([]);
  });

  test("further repositories whose policy AWS cannot pack", async () => {
    const { ask } = openApplication(registry().stack, { env: onLambda });
    const fault = { kind: "error", code: "PackedPolicyTooLarge", message: "canary" } as const;
    registry().emulator.faults.add({ fault, action: "AssumeRole" });
    const { body } = await ask("generateCredentials", { repoId: "images", permissions: "pull", alsoPull: ["base"] });
    expect(body).toMatchObject({ code: "INVALID_INPUT", context: { field: "alsoPull" }, retryable: false });
    expect(JSON.stringify(body)).not.toContain("canary");
  });

  test("a role that does not trust the function, with the role in the hint", async () => {
    const trust = trustPolicy({
      partition: "aws",
      account: "111122223333",
      functionRoleArns: ["arn:aws:iam::111122223333:role/other"],
    });
    const pullRoleArn = registry().emulator.role("111122223333", "untrusting", { trust: JSON.parse(trust) });
    const { error } = await ask({ pullRoleArn }, "pull", true);
    expect(error).toMatchObject({ code: "ACCESS_DENIED", retryable: false });
    expect(error.hint).toContain(pullRoleArn);
  });

  test("a role that is new is waited for", async () => {
    const name = "images-pull";
    const role = registry().emulator.world.directory.account("111122223333").roles.get(name);
    if (role) role.hiddenLooks = 1;
    const { error, calls } = await ask({});
    expect(error).toMatchObject({ authMethod: "basic" });
    expect(calls.map(({ outcome }) => outcome)).toEqual(["AccessDenied", "ok", "ok"]);
  });

  test.each([
    ["AssumeRole", {}],
    ["GetAuthorizationToken", {}],
    ["GetAuthorizationToken", { authorizationData: [{ authorizationToken: "bm8gY29sb24=", expiresAt: new Date() }] }],
    ["GetAuthorizationToken", { authorizationData: [{ authorizationToken: "QVdTOnRva2Vu" }] }],
  ])("an answer of %s that holds no credentials", async (action, output) => {
    registry().emulator.faults.add({ fault: { kind: "answer", output }, action });
    expect((await ask({})).error).toMatchObject({ code: "UNEXPECTED_RESPONSE_FORMAT", retryable: false });
  });
});

/** Runs something, and tells what AWS was asked meanwhile. */
async function observed<T>(work: () => Promise<T>): Promise<{ result: T; calls: CallRecord[] }> {
  const { calls } = registry().emulator;
  const before = calls.length;
  const result = await work();
  return { result, calls: calls.slice(before) };
}

/** Runs something with other keys in this process's environment. */
async function under<T>(env: Readonly<Record<string, string>>, work: () => Promise<T>): Promise<T> {
  const saved = { ...process.env };
  delete process.env.AWS_SESSION_TOKEN;
  Object.assign(process.env, env);
  try {
    return await work();
  } finally {
    Object.assign(process.env, saved);
  }
}
