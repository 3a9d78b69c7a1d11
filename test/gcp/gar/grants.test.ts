import { describe, expect, test } from "vitest";
import { readerRole } from "../../../functions/gcp/policy/document.ts";
import { access, crossAccountOf, emails, newCall, openRegistry, useStack, workers } from "../support/registry.ts";

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

describe("grants", () => {
  test("are added, told and taken away, and nothing is written where nothing changes", async () => {
    const { control, name, email, writes } = subject();
    await control.add(name, { ...workers(customer), serviceAccountEmails: [email] }, newCall());
    await control.add(name, emails(email), newCall());
    expect(writes()).toBe(1);
    const value = { ...workers(customer), serviceAccountEmails: [email] };
    expect(await control.get(name, newCall())).toEqual({ access: value, grants: [value], scope: "registry" });
    await control.remove(name, access({ projectNumbers: [customer] }), newCall());
    await control.remove(name, emails(email), newCall());
    await control.remove(name, emails(email), newCall());
    expect(writes()).toBe(3);
    expect(await control.get(name, newCall())).toEqual({ access: access(), grants: [], scope: "registry" });
  });

  test("are the whole registry's, under whichever id they were added", async () => {
    const { control, registry, name, email } = subject();
    await control.add(name, emails(email), newCall());
    const { access: told } = await control.get(registry.resolveId("team/other"), newCall());
    expect(told).toEqual(emails(email));
    await control.remove(registry.resolveId("third"), emails(email), newCall());
    expect((await control.get(name, newCall())).grants).toEqual([]);
  });

  test("of somebody else are listed, and told after a revocation that they outlive", async () => {
    const { gcp, resource, control, name, email } = subject();
    const { bindings } = gcp.policy(resource);
    const writer = "roles/artifactregistry.writer";
    const binding = { role: writer, members: [`serviceAccount:${email}`] };
    gcp.setPolicy(resource, [...bindings, binding]);
    const unmanaged = [{ statement: writer, principals: binding.members, actions: [writer], conditional: false }];
    expect(await control.remove(name, emails(email), newCall())).toEqual({ unmanaged });
    expect(await control.remove(name, access({ projectNumbers: [customer] }), newCall())).toEqual({});
    expect(await control.get(name, newCall())).toMatchObject({ unmanaged });
    gcp.setPolicy(resource, bindings);
    expect(await control.remove(name, emails(email), newCall())).toEqual({});
    expect(await control.get(name, newCall())).not.toHaveProperty("unmanaged");
  });

  test("leave conditions and audit configuration as they are, on the wire too", async () => {
    const { gcp, resource, control, name, email } = subject();
    const { bindings } = gcp.policy(resource);
    const condition = {
      title: "later",
      description: "d",
      location: "l",
      expression: "resource.matchTag('vendor/env', 'prod')",
    };
    const conditional = { role: readerRole, members: ["allUsers"], condition };
    const audit = [{ service: "allServices", auditLogConfigs: [{ logType: "DATA_READ", exemptedMembers: [] }] }];
    gcp.setPolicy(resource, [conditional, ...bindings], audit);
    await control.add(name, emails(email), newCall());
    await control.remove(name, emails(email), newCall());
    expect(gcp.policy(resource).bindings).toEqual([conditional, ...bindings]);
    expect(gcp.policy(resource).auditConfigs).toEqual(audit);
    gcp.setPolicy(resource, bindings);
  });

  test("of the registry's own accounts, and of another cloud, are refused before anything is asked", async () => {
    const { gcp, control, name } = subject();
    for (const change of [control.add, control.remove]) {
      await expect(
        change(name, emails("a@b.iam.gserviceaccount.com", stack().pullAccount("images")), newCall()),
      ).rejects.toMatchObject({
        code: "INVALID_INPUT",
        context: { field: "access.serviceAccountEmails.1" },
      });
      const aws = { type: "aws" as const, accountIds: [], regions: [], roleArns: [], allowedServiceTypes: [] };
      await expect(change(name, aws, newCall())).rejects.toMatchObject({ code: "INVALID_INPUT" });
    }
    expect(gcp.calls).toEqual([]);
  });
});
