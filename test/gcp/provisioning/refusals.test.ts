import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { ownershipLabel } from "../../../functions/gcp/gar/own-repository.ts";
import { type Project, useProject } from "./support/project.ts";
import { callsOf, isRead, stateOf } from "./support/state.ts";

const project = useProject();
const input = { registry: "images" };

interface Case {
  /** What stands in the way of the repository `{id}`. */
  readonly arrange: (id: string, project: Project) => unknown;
  readonly env?: Record<string, string>;
  readonly code?: string;
  readonly says: string | RegExp;
}

const disable = (id: string, project: Project) => {
  project.seedAccount(`${id}-push`, id);
  const account = project.account(`${id}-push`);
  if (!account) throw new Error("There is no account.");
  account.disabled = true;
};

const cases: Readonly<Record<string, Case>> = {
  "a repository without our label": {
    arrange: (id, project) => project.seedRepository(id),
    says: /exists, but does not belong to this registry.* give it the label alien-artifact-registry=reg/,
  },
  "a repository of another registry": {
    arrange: (id, project) => project.seedRepository(id, { [ownershipLabel]: "other" }),
    says: "exists, but does not belong to this registry",
  },
  "a repository that holds no images": {
    arrange: (id, project) => project.seedRepository(id, { [ownershipLabel]: id }, "NPM"),
    says: "does not hold images",
  },
  "a repository that mirrors another": {
    arrange: (id, project) =>
      project.gcp.repository(id, { labels: { [ownershipLabel]: id }, mode: "REMOTE_REPOSITORY" }),
    says: /REMOTE_REPOSITORY.* push/,
  },
  "a repository that stands for others": {
    arrange: (id, project) =>
      project.gcp.repository(id, { labels: { [ownershipLabel]: id }, mode: "VIRTUAL_REPOSITORY" }),
    says: /VIRTUAL_REPOSITORY.* push/,
  },
  "a pull account that is not ours": {
    arrange: (id, project) => project.seedAccount(`${id}-pull`),
    says: /-pull@.* exists, but does not belong to this registry.* put "alien-artifact-registry=europe-west1\/reg/,
  },
  "a push account of the registry of the same id in another location": {
    arrange: (id, project) =>
      project.gcp.serviceAccount(`${id}-push`, { description: `${ownershipLabel}=us-central1/${id}` }),
    says: /-push@.* exists, but does not belong to this registry/,
  },
  "a push account that somebody disabled": { arrange: disable, says: "is disabled" },
  "a registry whose id ours extends by -": {
    arrange: (id, project) => project.seedOwn(id.slice(0, -2)),
    says: "overlaps",
  },
  "a registry that extends our id by -": {
    arrange: (id, project) => project.seedOwn(`${id}-dev`),
    says: "overlaps",
  },
  "functions that are no service accounts": {
    arrange: () => undefined,
    env: { ALIEN_FUNCTION_SERVICE_ACCOUNTS: "function@vendor-project.iam.gserviceaccount.com, you@example.com" },
    code: "BINDING_CONFIG_INVALID",
    says: "ALIEN_FUNCTION_SERVICE_ACCOUNTS",
  },
  "an API that cannot be reached": {
    arrange: (_, { gcp }) =>
      gcp.faults.add({ fault: { kind: "reset" }, action: "GetServiceAccount", times: Number.POSITIVE_INFINITY }),
    code: "SERVICE_UNAVAILABLE",
    says: "GetServiceAccount",
  },
};

afterEach(() => project().gcp.faults.clear());

describe("provisionRegistry refuses, and nothing was changed", () => {
  test.each(Object.entries(cases))("%s", async (_title, { arrange, env = {}, code, says }) => {
    const id = `${project().fresh()}-x`;
    await arrange(id, project());
    const suite = await project().open(id, { env });
    const before = stateOf(project());
    const calls = await callsOf(project().gcp, async () => {
      const { body } = await suite.refused("provisionRegistry", input);
      expect(body).toMatchObject({ code: code ?? "RESOURCE_CONFLICT", retryable: code === "SERVICE_UNAVAILABLE" });
      expect(`${body.message} ${body.hint}`).toMatch(says);
    });
    expect(calls.filter((call) => !isRead(call))).toEqual([]);
    expect(stateOf(project())).toEqual(before);
  });
});

test("a function that runs as a person, and lists nobody, is told to list somebody", async () => {
  const directory = await mkdtemp(join(tmpdir(), "person-"));
  const file = join(directory, "person.json");
  const nothing = { client_id: "none", client_secret: "none", refresh_token: "none" };
  await writeFile(file, JSON.stringify({ type: "authorized_user", ...nothing }));
  process.env.GOOGLE_APPLICATION_CREDENTIALS = file;
  try {
    const { body } = await (await project().open(project().fresh())).refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", retryable: false });
    expect(body.hint).toContain("ALIEN_FUNCTION_SERVICE_ACCOUNTS");
  } finally {
    delete process.env.GOOGLE_APPLICATION_CREDENTIALS;
    await rm(directory, { recursive: true });
  }
});

describe("what is no refusal", () => {
  test("two calls at once: both end well, with one registry", async () => {
    const id = project().fresh();
    const suites = [await project().open(id), await project().open(id)];
    const answers = await Promise.all(suites.map((suite) => suite.ok("provisionRegistry", input)));
    expect(answers[0]).toEqual(answers[1]);
    const again = await callsOf(project().gcp, () =>
      project()
        .open(id)
        .then((one) => one.ok("provisionRegistry", input)),
    );
    expect(again.filter((call) => !isRead(call))).toEqual([]);
  });

  test("neighbours that only look alike, or that nobody provisioned", async () => {
    const id = project().fresh();
    project().seedOwn(`${id}2`);
    project().seedRepository(`${id}-theirs`);
    project().seedRepository(`${id}-other`, { [ownershipLabel]: "other" });
    await (await project().open(id)).ok("provisionRegistry", input);
  });
});

describe("what is found out while it writes", () => {
  test("somebody made the repository meanwhile: it is not taken over", async () => {
    const id = project().fresh();
    project().gcp.faults.before = ({ action }) => {
      if (action === "CreateRepository" && !project().repository(id)) project().seedRepository(id);
    };
    const { body } = await (await project().open(id)).refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false });
    expect(project().repository(id)?.labels).toEqual({});
    expect(project().gcp.policy(project().name(id)).bindings).toEqual([]);
  });

  test("somebody made an account meanwhile: it gets no rights", async () => {
    const id = project().fresh();
    project().gcp.faults.before = ({ action, input: { accountId } }) => {
      if (action === "CreateServiceAccount") project().seedAccount(`${accountId}`);
    };
    const { body } = await (await project().open(id)).refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false });
    expect(`${body.message}`).toContain(`${id}-pull@`);
    expect(project().gcp.policy(project().name(id)).bindings).toEqual([]);
    expect(project().gcp.policy(project().email(`${id}-pull`)).bindings).toEqual([]);
  });

  test("a location that Artifact Registry does not have", async () => {
    const suite = await project().open(project().fresh(), { binding: { location: "mars-north1" } });
    const { body } = await suite.refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", retryable: false });
    expect(body.message).toContain("mars-north1");
  });

  test("a repository that Google does not make in the present state: the hint says what may be in the way", async () => {
    project().gcp.faults.add({ fault: { kind: "error", status: "FAILED_PRECONDITION" }, action: "CreateRepository" });
    const { body } = await (await project().open(project().fresh())).refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "RESOURCE_CONFLICT", retryable: false });
    expect(body.hint).toMatch(/organisation policy.*key.*audit log/);
  });

  test("an organisation that wants a key of its own: the constraint is named, and the way", async () => {
    const message = "Constraint constraints/gcp.restrictNonCmekServices violated for projects/vendor-project.";
    const fault = { kind: "operation", status: "FAILED_PRECONDITION", message } as const;
    project().gcp.faults.add({ fault, action: "CreateRepository" });
    const { body } = await (await project().open(project().fresh())).refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "ACCESS_DENIED", retryable: false });
    expect(`${body.message} ${body.hint}`).toMatch(/gcp\.restrictNonCmekServices.*Cloud KMS.*adopted/);
  });

  test("a project that has as many service accounts as it may", async () => {
    const message = "Maximum number of service accounts on project reached.";
    const fault = { kind: "error", status: "RESOURCE_EXHAUSTED", message } as const;
    project().gcp.faults.add({ fault, action: "CreateServiceAccount" });
    const { body } = await (await project().open(project().fresh())).refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "QUOTA_EXCEEDED", retryable: false });
  });

  test("a policy that has no room for our accounts is not written", async () => {
    const id = project().fresh();
    const name = project().seedOwn(id);
    const members = Array.from({ length: 1_499 }, (_, n) => `user:someone-${n}@example.com`);
    project().gcp.setPolicy(name, [{ role: "roles/artifactregistry.reader", members }]);
    const before = project().gcp.policy(name);
    const { body } = await (await project().open(id)).refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "QUOTA_EXCEEDED", context: { limit: 1_500, inUse: 1_499, wanted: 1_501 } });
    expect(project().gcp.policy(name)).toEqual(before);
  });

  test("a function that does not exist is named, with its variable", async () => {
    const id = project().fresh();
    const gone = "gone@vendor-project.iam.gserviceaccount.com";
    const suite = await project().open(id, { env: { ALIEN_FUNCTION_SERVICE_ACCOUNTS: gone } });
    const { body } = await suite.refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", retryable: false });
    expect(`${body.message} ${body.hint}`).toMatch(/gone@.*ALIEN_FUNCTION_SERVICE_ACCOUNTS/);
  });

  test("a member of an adopted account's policy that is gone is named", async () => {
    const id = project().fresh();
    const pull = project().seedAccount(`${id}-pull`, id);
    const left = "serviceAccount:left@vendor-project.iam.gserviceaccount.com";
    project().gcp.setPolicy(pull, [{ role: "roles/iam.serviceAccountUser", members: [left] }]);
    const { body } = await (await project().open(id)).refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", retryable: false });
    expect(`${body.message} ${body.hint}`).toMatch(/left@.*is gone. Remove it/);
  });

  test("a member of an adopted repository's policy that is gone is named", async () => {
    const id = project().fresh();
    const name = project().seedOwn(id);
    const left = "serviceAccount:left@vendor-project.iam.gserviceaccount.com";
    project().gcp.setPolicy(name, [{ role: "roles/artifactregistry.reader", members: [left] }]);
    const { body } = await (await project().open(id)).refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "INVALID_INPUT", retryable: false });
    expect(`${body.message}`).toContain("left@");
  });
});
