import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import {
  api,
  artifactRegistry,
  as,
  imageIn,
  refused,
  registryClient,
  registryRefusal,
  useEmulator,
} from "./support.ts";

const gcp = useEmulator();
let resource = "";
let count = 0;
const READER = "roles/artifactregistry.reader";
const grant = (member: string) =>
  artifactRegistry(gcp()).setIamPolicy(
    { resource, policy: { bindings: [{ role: READER, members: [member] }] } },
    as(gcp().admin()),
  );
const members = () =>
  gcp()
    .policy(resource)
    .bindings.flatMap((binding) => binding.members);

beforeEach(() => {
  resource = gcp().repository(`images-${++count}`);
  gcp().calls.length = 0;
});
afterEach(() => gcp().faults.clear());

describe("faults", () => {
  test.each([
    ["UNAVAILABLE", 14],
    ["RESOURCE_EXHAUSTED", 8],
    ["ABORTED", 10],
    ["INTERNAL", 13],
  ] as const)("%s comes before anything is done", async (status, code) => {
    gcp().faults.add({ fault: { kind: "error", status, message: "Planned." }, action: "SetIamPolicy" });
    expect(await refused(grant("allUsers"))).toMatchObject({ code, message: `${code} ${status}: Planned.` });
    expect(members()).toEqual([]);
    await grant("allUsers");
    expect(members()).toEqual(["allUsers"]);
    expect(gcp().calls.map(({ outcome }) => outcome)).toEqual([status, "ok"]);
  });

  test.each([
    [{ kind: "throttle" }, 8, "RESOURCE_EXHAUSTED"],
    [{ kind: "failure" }, 13, "INTERNAL"],
    [{ kind: "failure", status: 503 }, 14, "UNAVAILABLE"],
  ] as const)("what every cloud has, in Google's words: %o", async (fault, code, status) => {
    gcp().faults.add({ fault, action: "SetIamPolicy" });
    expect(await refused(grant("allUsers"))).toMatchObject({ code });
    expect(members()).toEqual([]);
    expect(gcp().calls.map(({ outcome }) => outcome)).toEqual([status]);
  });

  test("throttling over HTTP may say for how long", async () => {
    gcp().faults.add({ fault: { kind: "throttle", retryAfterSeconds: 7 }, service: "iam" });
    const headers = { authorization: `Bearer ${gcp().admin()}` };
    const answer = await fetch(`${gcp().url}/v1/projects/vendor-project/serviceAccounts`, { headers });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "7"]);
  });

  test("an answer of another form is given after the change was made", async () => {
    gcp().faults.add({ fault: { kind: "answer", output: { version: 3 } }, action: "SetIamPolicy" });
    expect((await grant("allUsers"))[0]).toMatchObject({ version: 3, bindings: [], etag: Buffer.alloc(0) });
    expect(members()).toEqual(["allUsers"]);
  });

  test("an operation that never ends does nothing", async () => {
    gcp().faults.add({ fault: { kind: "unending" }, action: "DeleteRepository" });
    const client = artifactRegistry(gcp());
    const [operation] = await client.deleteRepository({ name: resource }, as(gcp().admin()));
    const { operationsClient } = client;
    const request = { name: operation.name ?? "" } as Parameters<typeof operationsClient.getOperation>[0];
    // One that began later, and does end.
    const parent = resource.split("/repositories/")[0] ?? "";
    const repository = { format: "DOCKER" as const };
    const [other] = await client.createRepository({ parent, repositoryId: "later", repository }, as(gcp().admin()));
    await other.promise();
    const [seen] = await operationsClient.getOperation(request, as(gcp().admin()));
    expect([seen.done, gcp().world.repositories.has(resource)]).toEqual([false, true]);
  });

  test("the caller is known before anything goes wrong", async () => {
    gcp().faults.add({ fault: { kind: "reset" }, matches: ({ principal }) => principal !== undefined });
    await refused(grant("allUsers"));
    expect(gcp().calls).toMatchObject([{ outcome: "reset", principal: expect.stringContaining("@") }]);
  });

  test("a reset has no effect, a lost answer has; neither is repeated by itself", async () => {
    gcp().faults.add({ fault: { kind: "reset" }, action: "SetIamPolicy" });
    gcp().faults.add({ fault: { kind: "lost" }, action: "SetIamPolicy", nth: 2 });
    expect(await refused(grant("allUsers"))).toMatchObject({ code: 14 });
    expect(members()).toEqual([]);
    expect(await refused(grant("allUsers"))).toMatchObject({ code: 14 });
    expect(members()).toEqual(["allUsers"]);
    expect(gcp().calls.map(({ outcome }) => outcome)).toEqual(["reset", "lost"]);
  });

  test("a connection that was cut is followed by another", async () => {
    const client = artifactRegistry(gcp());
    const get = () => client.getIamPolicy({ resource }, as(gcp().admin()));
    gcp().faults.add({ fault: { kind: "reset" } });
    expect(await refused(get())).toMatchObject({ code: 14 });
    await get();
  });

  test("a slow answer comes late, and may miss a deadline", async () => {
    gcp().faults.add({ fault: { kind: "slow", ms: 150 } });
    const before = performance.now();
    await grant("allUsers");
    expect(performance.now() - before).toBeGreaterThan(140);
    const missed = Promise.withResolvers<void>();
    gcp().faults.add({ fault: { kind: "slow", until: () => missed.promise } });
    const call = artifactRegistry(gcp()).getIamPolicy({ resource }, { ...as(gcp().admin()), timeout: 50 });
    expect(await refused(call)).toMatchObject({ code: 4 });
    missed.resolve();
  });

  test("the nth call that matches, so often, and not after it was taken back", async () => {
    const take = gcp().faults.add({
      fault: { kind: "error", status: "UNAVAILABLE" },
      matches: ({ input }) => input.resource === resource,
      nth: 2,
      times: 2,
    });
    await grant("allUsers");
    await refused(grant("allUsers"));
    await refused(grant("allUsers"));
    await grant("allUsers");
    take();
    gcp().faults.add({ fault: { kind: "error", status: "UNAVAILABLE" }, times: Number.POSITIVE_INFINITY })();
    await grant("allUsers");
  });

  test("the JSON APIs fail too", async () => {
    const topic = gcp().topic(`dead-letters-${count}`);
    const messages = [{ data: Buffer.from("hopeless").toString("base64") }];
    const publish = () => api(gcp(), gcp().admin(), "POST", `/v1/${topic}:publish`, { messages });
    const before = gcp().published.length;
    gcp().faults.add({ fault: { kind: "error", status: "UNAVAILABLE" }, service: "pubsub" });
    expect(await publish()).toMatchObject({ status: 503, body: { error: { code: 503, status: "UNAVAILABLE" } } });
    gcp().faults.add({ fault: { kind: "reset" }, service: "pubsub" });
    await expect(publish()).rejects.toThrow();
    expect(gcp().published).toHaveLength(before);
    gcp().faults.add({ fault: { kind: "lost" }, service: "pubsub" });
    await expect(publish()).rejects.toThrow();
    expect(gcp().published.slice(before)).toMatchObject([{ topic, data: "hopeless" }]);
  });

  test("the data plane fails too", async () => {
    const email = gcp().serviceAccount("pusher", { roles: { [resource]: ["roles/artifactregistry.writer"] } });
    const client = registryClient(gcp(), gcp().token(email));
    const name = imageIn(resource, "app");
    const push = () => pushImage(client, name, "v1", buildImage({ seed: "faults" }));
    const hit = { service: "registry", action: "PUT manifest" } as const;
    gcp().faults.add({ fault: { kind: "error", status: "RESOURCE_EXHAUSTED" }, ...hit });
    expect((await registryRefusal(push())).status).toBe(429);
    gcp().faults.add({ fault: { kind: "reset" }, ...hit });
    await expect(push()).rejects.toThrow();
    expect(gcp().world.repositories.get(resource)?.packages.size).toBe(0);
    gcp().faults.add({ fault: { kind: "lost" }, ...hit });
    await expect(push()).rejects.toThrow();
    expect((await client.headManifest(name, "v1"))?.digest).toMatch(/^sha256:/);
  });
});

test("hooks stand before and after every call's effect", async () => {
  const seen: string[] = [];
  gcp().faults.before = ({ number, action, outcome }) => {
    seen.push(`${number} before ${action} ${outcome} ${members().length}`);
  };
  gcp().faults.after = ({ number, action, outcome }) => {
    seen.push(`${number} after ${action} ${outcome} ${members().length}`);
  };
  await grant("allUsers");
  expect(seen).toEqual(["1 before SetIamPolicy undefined 0", "1 after SetIamPolicy ok 1"]);
});
