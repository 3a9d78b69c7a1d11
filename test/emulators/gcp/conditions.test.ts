import { describe, expect, test } from "vitest";
import type { Binding } from "./iam/policy.ts";
import { api, artifactRegistry, as, HOME, refused, useEmulator } from "./support.ts";

const gcp = useEmulator();
const reader = "roles/artifactregistry.reader";
const tokenCreator = "roles/iam.serviceAccountTokenCreator";
let count = 0;

const titled = (expression: string) => ({ title: "test", expression });
const hasOnly = (...roles: string[]) =>
  `api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([${roles.map((role) => `'${role}'`).join(", ")}])`;
const future = 'request.time < timestamp("2099-01-01T00:00:00Z")';
const past = 'request.time < timestamp("2020-01-01T00:00:00Z")';
const account = () => gcp().serviceAccount(`account-${++count}`);

/** Writes the policy of a repository over gRPC, as an owner would. */
function writeRepository(expression: string) {
  const resource = gcp().repository(`images-${++count}`);
  const bindings = [{ role: reader, members: [`serviceAccount:${account()}`], condition: titled(expression) }];
  return artifactRegistry(gcp()).setIamPolicy({ resource, policy: { version: 3, bindings } }, as(gcp().admin()));
}

/** The status with which IAM answers a policy of a service account, written as an owner would. */
async function writeAccount(expression: string): Promise<number> {
  const bindings = [{ role: tokenCreator, members: [`serviceAccount:${account()}`], condition: titled(expression) }];
  const path = `/v1/projects/${HOME}/serviceAccounts/${account()}:setIamPolicy`;
  return (await api(gcp(), gcp().admin(), "POST", path, { policy: { version: 3, bindings } })).status;
}

const bind = (resource: string, binding: Binding) => gcp().setPolicy(resource, [binding]);

describe("the policy of a repository", () => {
  test.each([future, "true", `resource.name == "x"`, hasOnly(reader), `resource.matchTag('p/k', 'v') && ${future}`])(
    "does not take a condition on %s",
    async (expression) => {
      expect(await refused(writeRepository(expression))).toMatchObject({
        code: 3,
        message: expect.stringMatching(/not supported for this resource|accept modifiedGrantsByRole/),
      });
    },
  );

  test.each(["resource.matchTag('vendor-project/env', 'prod')", "resource.matchTagId('tagKeys/1', 'tagValues/2')"])(
    "takes %s",
    async (expression) => {
      const [{ bindings }] = await writeRepository(expression);
      expect(bindings).toMatchObject([{ role: reader, condition: { expression } }]);
    },
  );
});

test("the policy of a service account takes conditions, but none on the roles that are given", async () => {
  expect(await writeAccount(future)).toBe(200);
  expect(await writeAccount(hasOnly(tokenCreator))).toBe(400);
});

test("a test cannot arrange what the resource does not accept", () => {
  const binding = { role: reader, members: [], condition: titled(future) };
  expect(() => bind(gcp().repository("arranged"), binding)).toThrow("not supported for this resource");
  expect(() => bind(gcp().topic("arranged"), binding)).toThrow("not supported for this resource");
  expect(() => bind(HOME, binding)).not.toThrow();
});

describe("a condition in a project's policy", () => {
  /** Whether somebody who has a role under this condition may look at this repository. */
  async function mayLook(expression: string, name: string): Promise<boolean> {
    const email = account();
    bind(HOME, { role: reader, members: [`serviceAccount:${email}`], condition: titled(expression) });
    return artifactRegistry(gcp())
      .getRepository({ name }, as(gcp().token(email)))
      .then(
        () => true,
        () => false,
      );
  }

  test("holds for a time", async () => {
    const name = gcp().repository("timed");
    expect(await mayLook(future, name)).toBe(true);
    expect(await mayLook(past, name)).toBe(false);
    expect(await mayLook(`request.time > timestamp("2020-01-01T00:00:00Z") && ${future}`, name)).toBe(true);
  });

  test("holds for a tag, the project's included", async () => {
    const { keyId, keyName, valueId, valueName } = gcp().tag("env", "prod");
    const [tagged, other] = [gcp().repository("tagged"), gcp().repository("untagged")];
    gcp().world.tags.attach(tagged, valueId);
    for (const tag of [
      `resource.matchTagId('${keyId}', '${valueId}')`,
      `resource.matchTag("${keyName}", "${valueName}")`,
    ]) {
      expect(await mayLook(tag, tagged)).toBe(true);
      expect(await mayLook(tag, other)).toBe(false);
    }
    expect(await mayLook(`resource.matchTagId('${keyId}', 'tagValues/1')`, tagged)).toBe(false);
    const everywhere = gcp().tag("stage", "one");
    gcp().world.tags.attach(`projects/${HOME}`, everywhere.valueId);
    expect(await mayLook(`resource.matchTagId('${everywhere.keyId}', '${everywhere.valueId}')`, other)).toBe(true);
  });

  test("gives nothing where the service does not recognise the attribute, or it is not understood", async () => {
    const name = gcp().repository("unrecognised");
    for (const expression of [
      hasOnly(reader),
      `resource.name == "${name}"`,
      'resource.name.startsWith("projects/")',
      'resource.type == "artifactregistry.googleapis.com/Repository"',
    ]) {
      expect(await mayLook(expression, name)).toBe(false);
    }
  });
});

describe("a condition on the roles that are given and taken", () => {
  const user = "user:someone@example.com";

  test("lets nobody write the policy of a repository, since Artifact Registry does not recognise it", async () => {
    const email = account();
    const role = gcp().role("limited_repositories", ["artifactregistry.repositories.setIamPolicy"]);
    bind(HOME, { role, members: [`serviceAccount:${email}`], condition: titled(hasOnly(reader)) });
    const policy = { bindings: [{ role: reader, members: [user] }] };
    const write = artifactRegistry(gcp()).setIamPolicy(
      { resource: gcp().repository("limited"), policy },
      as(gcp().token(email)),
    );
    expect(await refused(write)).toMatchObject({ code: 7, message: expect.stringContaining("setIamPolicy") });
  });

  /** Somebody who may write the policies of a project's accounts under such a condition, and one such policy. */
  function limited(...allowed: string[]) {
    const email = account();
    const target = account();
    const role = gcp().role("limited_accounts", [
      "iam.serviceAccounts.getIamPolicy",
      "iam.serviceAccounts.setIamPolicy",
    ]);
    const others = { role: "roles/iam.serviceAccountUser", members: [user] };
    bind(HOME, { role, members: [`serviceAccount:${email}`], condition: titled(hasOnly(...allowed)) });
    bind(target, others);
    const path = `/v1/projects/${HOME}/serviceAccounts/${target}`;
    return async (change: (bindings: Binding[]) => Binding[]) => {
      const token = gcp().token(email);
      expect((await api(gcp(), token, "POST", `${path}:getIamPolicy`)).status).toBe(200);
      const bindings = change([...gcp().policy(target).bindings]);
      return (await api(gcp(), token, "POST", `${path}:setIamPolicy`, { policy: { version: 3, bindings } })).status;
    };
  }
  const adding = (role: string) => (bindings: Binding[]) => [...bindings, { role, members: [user] }];

  test("lets those roles be given and taken on accounts, whatever else the policy holds", async () => {
    const edit = limited(tokenCreator);
    expect(await edit(adding(tokenCreator))).toBe(200);
    expect(await edit((bindings) => bindings.filter(({ role }) => role !== tokenCreator))).toBe(200);
  });

  test("keeps every other role from being given or taken", async () => {
    const edit = limited(tokenCreator);
    expect(await edit(adding("roles/iam.serviceAccountAdmin"))).toBe(403);
    expect(await edit((all) => adding("roles/owner")(adding(tokenCreator)(all)))).toBe(403);
    expect(await edit((all) => all.slice(1))).toBe(403);
    expect(await limited(tokenCreator, "roles/owner")(adding("roles/owner"))).toBe(200);
  });
});

describe("attaching a tag to a repository", () => {
  const create = "resourcemanager.tagValueBindings.create";
  const attach = "artifactregistry.repositories.createTagBinding";
  const look = "artifactregistry.repositories.listTagBindings";
  const parentOf = (repository: string) => `//artifactregistry.googleapis.com/${repository}`;

  /** Somebody who has these permissions on the repository, and these on the tag's value. */
  function fresh(onRepository: readonly string[], onValue: readonly string[]) {
    const repository = gcp().repository(`images-${++count}`);
    const value = gcp().tag(`key-${++count}`, "on");
    const repositoryRole = gcp().role(`repository_${count}`, onRepository);
    const valueRole = gcp().role(`value_${count}`, onValue);
    const roles = { [repository]: [repositoryRole], [value.valueId]: [valueRole] };
    const token = gcp().token(gcp().serviceAccount(`account-${++count}`, { roles }));
    const parent = parentOf(repository);
    return {
      value,
      parent,
      attach: (tagValue = value.valueId) => api(gcp(), token, "POST", "/v3/tagBindings", { parent, tagValue }),
      list: () => api(gcp(), token, "GET", `/v3/tagBindings?parent=${encodeURIComponent(parent)}`),
    };
  }

  test("is a long-running operation, whose end the list shows", async () => {
    const { value, attach: run, list } = fresh([attach, look], [create]);
    expect(await list()).toMatchObject({ status: 200, body: {} });
    expect(await run()).toMatchObject({ status: 200, body: { done: false } });
    await expect.poll(async () => (await list()).body).toMatchObject({ tagBindings: [{ tagValue: value.valueId }] });
    expect((await run()).status).toBe(409);
  });

  test("needs rights on the repository and on the value", async () => {
    expect((await fresh([look], [create]).attach()).status).toBe(403);
    expect((await fresh([attach], []).attach()).status).toBe(403);
    expect((await fresh([attach], [create]).list()).status).toBe(403);
    const { attach: run } = fresh([attach], [create]);
    expect((await run("tagValues/1")).status).toBe(403);
  });

  test("knows repositories by the number of their project too, and nothing else", async () => {
    const { parent, list } = fresh([look], []);
    expect((await list()).status).toBe(200);
    const admin = gcp().admin();
    const byNumber = parent.replace(`/${HOME}/`, `/${gcp().world.directory.project(HOME)?.number}/`);
    const asked = (name: string) => api(gcp(), admin, "GET", `/v3/tagBindings?parent=${encodeURIComponent(name)}`);
    expect((await asked(byNumber)).status).toBe(200);
    expect((await asked("//run.googleapis.com/projects/p/locations/l/services/s")).status).toBe(400);
  });
});
