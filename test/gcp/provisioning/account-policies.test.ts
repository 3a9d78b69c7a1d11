import { afterEach, expect, test } from "vitest";
import { useProject } from "./support/project.ts";
import { actionsOf, callsOf } from "./support/state.ts";

const project = useProject();
const input = { registry: "images" };
const notFound = { kind: "error", status: "NOT_FOUND" } as const;

afterEach(() => project().gcp.faults.clear());

test.each(["GetIamPolicy", "SetIamPolicy"])(
  "%s does not find an account that was just made: asked again",
  async (action) => {
    project().gcp.faults.add({ fault: notFound, action, service: "iam", times: 2 });
    const suite = await project().open(project().fresh());
    const calls = await callsOf(project().gcp, () => suite.ok("provisionRegistry", input));
    // Two accounts, and two that were not found.
    expect(actionsOf(calls).filter((call) => call === `iam:${action}`)).toHaveLength(4);
  },
);

test("an account exists, and is not to be seen yet: asked again", async () => {
  const id = project().fresh();
  project().seedAccount(`${id}-pull`, id);
  const matches = ({ input: { path } }: { input: Readonly<Record<string, unknown>> }) =>
    `${path}`.includes(`${id}-pull@`);
  project().gcp.faults.add({ fault: notFound, action: "GetServiceAccount", matches, times: 3 });
  const suite = await project().open(id);
  const calls = await callsOf(project().gcp, () => suite.ok("provisionRegistry", input));
  expect(actionsOf(calls).filter((call) => call === "iam:CreateServiceAccount")).toHaveLength(2);
  // A look at each at first; then the pull account is missing twice, and each is found three times.
  expect(actionsOf(calls).filter((call) => call === "iam:GetServiceAccount")).toHaveLength(2 + 2 + 3 + 3);
});

test.each(["artifactregistry", "iam"] as const)(
  "a policy of %s that others change meanwhile is read and written again",
  async (service) => {
    const fault = { kind: "error", status: "ABORTED" } as const;
    project().gcp.faults.add({ fault, action: "SetIamPolicy", service, times: 2 });
    const suite = await project().open(project().fresh());
    const calls = await callsOf(project().gcp, () => suite.ok("provisionRegistry", input));
    const policies = service === "iam" ? 2 : 1;
    for (const action of ["GetIamPolicy", "SetIamPolicy"]) {
      expect(actionsOf(calls).filter((call) => call === `${service}:${action}`)).toHaveLength(policies + 2);
    }
  },
);

test("somebody's binding that comes in between is not lost", async () => {
  const id = project().fresh();
  const pull = project().email(`${id}-pull`);
  const theirs = { role: "roles/iam.serviceAccountUser", members: ["user:operator@example.com"] };
  project().gcp.faults.before = ({ service, action, input: { path } }) => {
    if (service !== "iam" || action !== "SetIamPolicy" || !`${path}`.includes(pull)) return;
    project().gcp.faults.clear();
    project().gcp.setPolicy(pull, [theirs]);
  };
  await (await project().open(id)).ok("provisionRegistry", input);
  expect(project().gcp.policy(pull).bindings).toEqual([
    theirs,
    { role: "roles/iam.serviceAccountTokenCreator", members: [`serviceAccount:${project().stack.functionAccount}`] },
  ]);
});

test("a policy that cannot be read is not written", async () => {
  const fault = { kind: "error", status: "UNAVAILABLE" } as const;
  project().gcp.faults.add({ fault, action: "GetIamPolicy", service: "iam", times: Number.POSITIVE_INFINITY });
  const suite = await project().open(project().fresh());
  const calls = await callsOf(project().gcp, async () => {
    const { body } = await suite.refused("provisionRegistry", input);
    expect(body).toMatchObject({ code: "SERVICE_UNAVAILABLE", retryable: true });
  });
  expect(actionsOf(calls)).not.toContain("iam:SetIamPolicy");
});
