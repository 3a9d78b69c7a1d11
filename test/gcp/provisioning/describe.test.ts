import { describe, expect, test } from "vitest";
import { ownershipLabel } from "../../../functions/gcp/gar/own-repository.ts";
import { type Project, useProject } from "./support/project.ts";
import { actionsOf, callsOf, isRead, stateOf } from "./support/state.ts";

const project = useProject();
const provisionDoor = { ALIEN_DOOR: "provision" };
const input = { registry: "images" };

async function provisioned(env: Record<string, string> = provisionDoor) {
  const id = project().fresh();
  const { binding } = await (await project().open(id, { env })).ok("provisionRegistry", input);
  return { id, suite: await project().open(id, { binding, env }) };
}

interface Case {
  readonly change: (id: string, project: Project) => unknown;
  readonly says: readonly (string | RegExp)[];
  readonly hint?: string;
}

const account = (id: string, project: Project) => {
  const found = project.account(id);
  if (!found) throw new Error("There is no account.");
  return found;
};

const without = (role: string) => (id: string, project: Project) => {
  const name = project.name(id);
  const kept = project.gcp.policy(name).bindings.filter((binding) => binding.role !== role);
  project.gcp.setPolicy(name, kept);
};

const more = (kind: string, role: string, condition?: object) => (id: string, project: Project) => {
  const members = [`serviceAccount:${project.email(`${id}-${kind}`)}`];
  const binding = {
    role,
    members,
    ...(condition && { condition: { title: "t", expression: "resource.matchTag('acme/env', 'prod')" } }),
  };
  project.gcp.setPolicy(project.name(id), [...project.gcp.policy(project.name(id)).bindings, binding]);
};

const cases: Readonly<Record<string, Case>> = {
  "a repository that is gone": {
    change: (id, project) => project.gcp.world.repositories.delete(project.name(id)),
    says: ["is not provisioned"],
  },
  "a repository without our label": {
    change: (id, project) => Object.assign(project.repository(id) ?? {}, { labels: { team: "a" } }),
    says: ["does not belong to this registry"],
    hint: "To have it adopted",
  },
  "a repository with the label of another": {
    change: (id, project) => Object.assign(project.repository(id) ?? {}, { labels: { [ownershipLabel]: "other" } }),
    says: ["does not belong to this registry"],
    hint: "To have it adopted",
  },
  "a repository of another format": {
    change: (id, project) => Object.assign(project.repository(id) ?? {}, { format: "MAVEN" }),
    says: ["does not hold images"],
    hint: "Docker",
  },
  "a repository that nobody can push to": {
    change: (id, project) => Object.assign(project.repository(id) ?? {}, { mode: "REMOTE_REPOSITORY" }),
    says: [/REMOTE_REPOSITORY/],
    hint: "standard repository",
  },
  "an account that is gone, and its role with it": {
    change: (id, project) => project.gcp.deleteServiceAccount(project.email(`${id}-pull`)),
    says: [/-pull@.* does not exist/, /-pull@.* lacks roles\/artifactregistry.reader/],
  },
  "an account that is not ours": {
    change: (id, project) => Object.assign(account(`${id}-push`, project), { description: "Mine." }),
    says: [/-push@.* does not belong to this registry/],
    hint: "To have it adopted",
  },
  "an account that is disabled": {
    change: (id, project) => Object.assign(account(`${id}-push`, project), { disabled: true }),
    says: [/-push@.* is disabled/],
    hint: "Enable it",
  },
  "no reader": {
    change: without("roles/artifactregistry.reader"),
    says: [/-pull@.* lacks roles\/artifactregistry.reader/],
  },
  "no writer": {
    change: without("roles/artifactregistry.writer"),
    says: [/-push@.* lacks roles\/artifactregistry.writer/],
  },
  "a push account that also administers": {
    change: more("push", "roles/artifactregistry.admin"),
    says: [/-push@.* also has roles\/artifactregistry.admin/],
  },
  "a push account that also deletes, on a condition": {
    change: more("push", "roles/artifactregistry.repoAdmin", {}),
    says: [/-push@.* also has roles\/artifactregistry.repoAdmin/],
  },
  "a pull account that also pushes": {
    change: more("pull", "roles/artifactregistry.writer"),
    says: [/-pull@.* also has roles\/artifactregistry.writer/],
  },
  "a function that may not mint": {
    change: (id, project) => project.gcp.setPolicy(project.email(`${id}-pull`), []),
    says: [/^function@.* lacks roles\/iam.serviceAccountTokenCreator on .*-pull@/],
  },
};

describe("describeRegistry at the provision door", () => {
  test("finds nothing in a registry that is as it was made", async () => {
    const { suite } = await provisioned();
    const calls = await callsOf(project().gcp, async () => {
      const { health } = await suite.ok("describeRegistry", input);
      expect(health).toEqual({ status: "healthy", findings: [] });
    });
    expect(actionsOf(calls)).toEqual([
      "artifactregistry:GetRepository",
      "artifactregistry:GetIamPolicy",
      "iam:GetServiceAccount",
      "iam:GetIamPolicy",
      "iam:GetServiceAccount",
      "iam:GetIamPolicy",
    ]);
  });

  test.each(Object.entries(cases))("finds %s, and writes nothing", async (_title, { change, says, hint }) => {
    const { id, suite } = await provisioned();
    await change(id, project());
    const before = stateOf(project());
    const calls = await callsOf(project().gcp, async () => {
      const { health } = await suite.ok("describeRegistry", input);
      expect(health.status).toBe("degraded");
      expect(health.findings).toEqual(
        says.map((message) => ({
          message: expect.stringMatching(message),
          hint: expect.stringContaining(hint ?? "provisionRegistry"),
        })),
      );
    });
    expect(calls.filter((call) => !isRead(call))).toEqual([]);
    expect(stateOf(project())).toEqual(before);
  });

  test("what it finds, and tells to provision for, provisioning mends", async () => {
    for (const { change, says, hint } of Object.values(cases)) {
      if (hint !== undefined) continue;
      const { id, suite } = await provisioned();
      await change(id, project());
      await suite.ok("provisionRegistry", input);
      const { health } = await suite.ok("describeRegistry", input);
      expect([says, health]).toEqual([says, { status: "healthy", findings: [] }]);
    }
  });

  test("says what is missing of a derived registry, and nothing once it is provisioned", async () => {
    const suite = await project().openDerived({ ...provisionDoor, ALIEN_STACK_PREFIX: project().fresh() });
    const { health } = await suite.ok("describeRegistry", input);
    expect(health.findings).toEqual([
      expect.objectContaining({ message: expect.stringMatching("is not provisioned") }),
    ]);
    await suite.ok("provisionRegistry", input);
    expect((await suite.ok("describeRegistry", input)).health).toEqual({ status: "healthy", findings: [] });
  });
});

describe("describeRegistry at another door", () => {
  test.each(["platform", "oidc", "invoke", "events"])("%s does not look at IAM", async (door) => {
    const { id, suite } = await provisioned({ ALIEN_DOOR: door });
    project().gcp.deleteServiceAccount(project().email(`${id}-pull`));
    const calls = await callsOf(project().gcp, () => suite.ok("describeRegistry", input));
    expect(actionsOf(calls)).toEqual(["artifactregistry:GetRepository"]);
  });

  test.each(["REMOTE_REPOSITORY", "VIRTUAL_REPOSITORY"])("a %s is not healthy: nobody can push to it", async (mode) => {
    const { id, suite } = await provisioned({ ALIEN_DOOR: "platform" });
    Object.assign(project().repository(id) ?? {}, { mode });
    const { health } = await suite.ok("describeRegistry", input);
    expect(health.status).toBe("degraded");
    expect(health.findings).toEqual([
      { message: expect.stringContaining(mode), hint: expect.stringContaining("standard repository") },
    ]);
  });

  test("says what the binding has not, and what does not exist", async () => {
    const suite = await project().open(project().fresh(), { env: { ALIEN_DOOR: "platform" } });
    const { health } = await suite.ok("describeRegistry", input);
    expect(health.status).toBe("degraded");
    expect(health.findings.map(({ message }) => message)).toEqual([
      "The binding has no pullServiceAccountEmail.",
      "The binding has no pushServiceAccountEmail.",
      expect.stringContaining("does not exist"),
    ]);
  });
});
