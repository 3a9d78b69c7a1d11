import { describe, expect, test } from "vitest";
import { artifactRegistry, as, HOME, OTHER, refused, useEmulator } from "./support.ts";

const gcp = useEmulator();
const READER = "roles/artifactregistry.reader";
const TAGGED = { title: "production", expression: "resource.matchTag('vendor-project/env', 'prod')" };
let count = 0;

/** A fresh repository, and its policy calls as an owner of the project. */
function fresh() {
  const resource = gcp().repository(`images-${++count}`);
  const client = artifactRegistry(gcp());
  const admin = gcp().admin();
  return {
    resource,
    get: async (requestedPolicyVersion = 3) =>
      (await client.getIamPolicy({ resource, options: { requestedPolicyVersion } }, as(admin)))[0],
    set: async (policy: object, extra: object = {}) =>
      (await client.setIamPolicy({ resource, policy, ...extra }, as(admin)))[0],
  };
}
const member = () => `serviceAccount:${gcp().serviceAccount(`account-${++count}`)}`;

describe("a policy", () => {
  test("starts empty, and is what was set", async () => {
    const { get, set } = fresh();
    const before = await get();
    expect(before).toMatchObject({ bindings: [], auditConfigs: [] });
    expect(before.etag).toBeInstanceOf(Buffer);
    const bindings = [{ role: READER, members: [member()] }];
    const written = await set({ version: 3, bindings, etag: before.etag });
    const after = await get();
    expect(after).toMatchObject({ bindings: [{ ...bindings[0], condition: null }] });
    expect(after.etag).toEqual(written.etag);
    expect(after.etag).not.toEqual(before.etag);
  });

  test("refuses an etag that is not the current one, and takes none for any", async () => {
    const { get, set } = fresh();
    const { etag } = await get();
    await set({ bindings: [{ role: READER, members: [member()] }], etag });
    expect(await refused(set({ bindings: [], etag }))).toMatchObject({ code: 10 });
    expect(await get()).toMatchObject({ bindings: [{ role: READER }] });
    await set({ bindings: [] });
    expect(await get()).toMatchObject({ bindings: [] });
  });

  test("hides conditions below version 3, and takes none below it", async () => {
    const { get, set } = fresh();
    const bindings = [{ role: READER, members: [member()], condition: TAGGED }];
    expect(await refused(set({ version: 1, bindings }))).toMatchObject({ code: 3 });
    await set({ version: 3, bindings });
    expect(await get(3)).toMatchObject({ version: 3, bindings: [{ role: READER, condition: TAGGED }] });
    const hidden = await get(1);
    expect(hidden.version).toBe(1);
    expect(hidden.bindings?.[0]).toMatchObject({
      role: expect.stringMatching(/_withcond_[0-9a-f]{20}$/),
      condition: null,
    });
    expect(await refused(set(hidden))).toMatchObject({ code: 3, message: expect.stringContaining("version 3") });
    expect(await refused(set({ ...hidden, version: 3 }))).toMatchObject({
      message: expect.stringContaining("_withcond_"),
    });
    expect(await refused(get(2))).toMatchObject({ code: 3 });
    expect(await refused(set({ version: 2, bindings: [] }))).toMatchObject({ code: 3 });
    await set({ version: 1, bindings: [] });
    expect(await get()).toMatchObject({ bindings: [] });
  });

  test("has one binding for each role and condition, without repetitions", async () => {
    const { get, set } = fresh();
    const [one, two] = [member(), member()];
    const written = [
      { role: READER, members: [one, one] },
      { role: READER, members: [two], condition: TAGGED },
      { role: READER, members: [two, one] },
      { role: "roles/artifactregistry.writer", members: [] },
    ];
    await set({ version: 3, bindings: written });
    expect((await get()).bindings).toMatchObject([{ members: [one, two] }, { members: [two], condition: TAGGED }]);
  });

  test("keeps its audit configurations unless the mask names them", async () => {
    const { resource, get, set } = fresh();
    const auditConfigs = [{ service: "allServices", auditLogConfigs: [{ logType: "DATA_READ" }] }];
    gcp().setPolicy(resource, [], auditConfigs);
    await set({ bindings: [], auditConfigs: [] });
    expect((await get()).auditConfigs).toMatchObject(auditConfigs);
    await set({ bindings: [], auditConfigs: [] }, { updateMask: { paths: ["audit_configs"] } });
    expect((await get()).auditConfigs).toEqual([]);
  });
});

describe("members", () => {
  test("that are malformed, unknown or too many are refused", async () => {
    const { get, set } = fresh();
    const gone = `nobody@${"vendor-project"}.iam.gserviceaccount.com`;
    const refusal = (members: string[], role = READER) => refused(set({ bindings: [{ role, members }] }));
    expect(await refusal(["someone@example.com"])).toMatchObject({ code: 3 });
    expect(await refusal([`serviceAccount:${gone}`])).toMatchObject({
      code: 3,
      message: expect.stringContaining(`Service account ${gone} does not exist.`),
    });
    expect(await refusal([member()], "roles/artifactregistry.nothing")).toMatchObject({ code: 3 });
    gcp().world.directory.unknownMembers.add("user:gone@example.com");
    expect(await refusal(["user:gone@example.com"])).toMatchObject({ message: expect.stringContaining("User gone@") });
    const many = Array.from({ length: 1500 }, (_, index) => `user:user-${index}@example.com`);
    expect(await refusal([...many, "allUsers"])).toMatchObject({ code: 3, message: expect.stringContaining("1,501") });
    await set({ bindings: [{ role: READER, members: many }] });
    expect((await get()).bindings?.[0]?.members).toHaveLength(1500);
  });

  test("are given a custom role in its own project only", async () => {
    const { set } = fresh();
    const permissions = ["artifactregistry.repositories.get"];
    const binding = (project: string) => ({ role: gcp().role("looks", permissions, project), members: [member()] });
    expect(await refused(set({ bindings: [binding(OTHER)] }))).toMatchObject({ code: 3 });
    await set({ bindings: [binding(HOME)] });
    expect(() => gcp().setPolicy(HOME, [binding(OTHER)])).toThrow(`is not of ${HOME}`);
  });

  test("that were deleted are shown as such, and may be kept", async () => {
    const { get, set } = fresh();
    const email = gcp().serviceAccount(`account-${++count}`);
    await set({ bindings: [{ role: READER, members: [`serviceAccount:${email}`] }] });
    const uid = gcp().deleteServiceAccount(email);
    const policy = await get();
    expect(policy.bindings?.[0]?.members).toEqual([`deleted:serviceAccount:${email}?uid=${uid}`]);
    expect((await set(policy)).bindings).toMatchObject(policy.bindings ?? []);
  });

  test("that are gone but shown plain keep the policy from being written", async () => {
    const { get, set } = fresh();
    const email = gcp().serviceAccount(`account-${++count}`);
    await set({ bindings: [{ role: READER, members: [`serviceAccount:${email}`] }] });
    gcp().deleteServiceAccount(email, "plain");
    const policy = await get();
    expect(await refused(set(policy))).toMatchObject({ message: expect.stringContaining(`${email} does not exist.`) });
  });
});

test("an account that was made again has nothing of its forerunner's", async () => {
  const { resource, get, set } = fresh();
  const email = gcp().serviceAccount("again-and-again");
  await set({ bindings: [{ role: READER, members: [`serviceAccount:${email}`] }] });
  const read = () => artifactRegistry(gcp()).getRepository({ name: resource }, as(gcp().token(email)));
  await read();
  gcp().deleteServiceAccount(email);
  gcp().serviceAccount("again-and-again");
  expect(await refused(read())).toMatchObject({ code: 7 });
  const policy = await get();
  await set({ ...policy, bindings: [{ role: READER, members: [`serviceAccount:${email}`] }] });
  await read();
});

test("without a lock, 40 edits at once end as compare-and-swap says", async () => {
  const { get, set } = fresh();
  const added = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const policy = await get();
      const members = [...(policy.bindings?.[0]?.members ?? []), `user:user-${index}@example.com`];
      return set({ ...policy, bindings: [{ role: READER, members }] }).then(
        () => members.at(-1),
        () => undefined,
      );
    }),
  );
  const acknowledged = added.filter((member) => member !== undefined);
  expect(acknowledged.length).toBeGreaterThan(0);
  expect((await get()).bindings?.[0]?.members?.toSorted()).toEqual(acknowledged.toSorted());
});
