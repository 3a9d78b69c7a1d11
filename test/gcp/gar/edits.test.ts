import { describe, expect, test } from "vitest";
import { crossAccountOf, emails, newCall, openRegistry, useStack, workers } from "../support/registry.ts";

const stack = useStack();
const customer = "444455556666";
let count = 0;

/** A registry of its own policy, and an account of a customer's that nobody else uses. */
const subject = () => {
  const { gcp, repository } = stack();
  const registry = openRegistry(stack());
  const name = registry.resolveId("my-app");
  const control = crossAccountOf(registry);
  const email = gcp.serviceAccount(`puller-${++count}`, { project: "customer-project" });
  gcp.calls.length = 0;
  const writes = () => gcp.calls.filter(({ action }) => action === "SetIamPolicy").length;
  return { gcp, resource: repository("images"), registry, name, control, email, writes };
};

describe("edits that meet trouble", () => {
  test.each([1, 3])("%i conflicts: the whole edit is done again", async (times) => {
    const { gcp, control, name, email, writes } = subject();
    gcp.faults.add({ fault: { kind: "error", status: "ABORTED" }, action: "SetIamPolicy", times });
    await control.add(name, emails(email), newCall());
    expect(writes()).toBe(times + 1);
    expect(gcp.calls.filter(({ action }) => action === "GetIamPolicy").length).toBe(times + 1);
    await control.remove(name, emails(email), newCall());
  });

  test("conflicts without end: a retryable refusal when the operation's time is over", async () => {
    const { gcp, control, name, email } = subject();
    const before = gcp.policy(stack().repository("images"));
    gcp.faults.add({ fault: { kind: "error", status: "ABORTED" }, action: "SetIamPolicy", times: 10_000 });
    const refusal = await control.add(name, emails(email), newCall(1_500)).catch((error: unknown) => error);
    gcp.faults.clear();
    expect(refusal).toMatchObject({ retryable: true, code: expect.stringMatching(/^(RESOURCE_CONFLICT|TIMEOUT)$/) });
    expect(gcp.policy(stack().repository("images"))).toEqual(before);
  });

  test("an answer that was lost: the edit meets its own change, and is done", async () => {
    const { gcp, control, name, email, writes } = subject();
    gcp.faults.add({ fault: { kind: "lost" }, action: "SetIamPolicy", times: 1 });
    await control.add(name, emails(email), newCall());
    expect((await control.get(name, newCall())).access.type).toBe("gcp");
    expect(writes()).toBe(2);
    await control.remove(name, emails(email), newCall());
  });

  test("somebody else's edit in between survives", async () => {
    const { gcp, resource, control, name, email } = subject();
    const other = gcp.serviceAccount("in-between", { project: "customer-project" });
    let once = false;
    gcp.faults.before = async ({ action }) => {
      if (action !== "SetIamPolicy" || once) return;
      once = true;
      const { bindings } = gcp.policy(resource);
      gcp.setPolicy(resource, [
        ...bindings,
        { role: "roles/artifactregistry.writer", members: [`serviceAccount:${other}`] },
      ]);
    };
    await control.add(name, emails(email), newCall());
    gcp.faults.before = undefined;
    expect(JSON.stringify(gcp.policy(resource).bindings)).toContain(other);
    await control.remove(name, emails(email), newCall());
  });

  test("a member that does not exist is named, whether it is the caller's or was there before", async () => {
    const { gcp, control, name, email } = subject();
    const nobody = "nobody@customer-project.iam.gserviceaccount.com";
    const refusal = { code: "INVALID_INPUT", retryable: false, message: expect.stringContaining(nobody) };
    await expect(control.add(name, emails(nobody), newCall())).rejects.toMatchObject(refusal);
    await control.add(name, emails(email), newCall());
    gcp.deleteServiceAccount(email, "plain");
    const again = { code: "INVALID_INPUT", message: expect.stringContaining(email), context: { member: email } };
    await expect(control.add(name, workers(customer), newCall())).rejects.toMatchObject(again);
    await control.remove(name, emails(email), newCall());
    expect((await control.get(name, newCall())).grants).toEqual([]);
  });

  test("an account that was deleted is forgotten by its e-mail", async () => {
    const { gcp, resource, control, name, email } = subject();
    await control.add(name, emails(email), newCall());
    gcp.deleteServiceAccount(email);
    expect(JSON.stringify(gcp.policy(resource))).toContain(`deleted:serviceAccount:${email}`);
    await control.remove(name, emails(email), newCall());
    expect(JSON.stringify(gcp.policy(resource))).not.toContain(email);
  });

  test("a full policy is refused before anything is written", async () => {
    const { gcp, resource, control, name, email, writes } = subject();
    const { bindings } = gcp.policy(resource);
    const users = Array.from({ length: 1_500 }, (_, i) => `user:u${i}@example.com`);
    gcp.setPolicy(resource, [...bindings, { role: "roles/artifactregistry.repoAdmin", members: users }]);
    await expect(control.add(name, emails(email), newCall())).rejects.toMatchObject({ code: "QUOTA_EXCEEDED" });
    expect(writes()).toBe(0);
    gcp.setPolicy(resource, bindings);
  });
});
