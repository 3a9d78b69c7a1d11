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

describe("one consumer", () => {
  const consumerOf = (email: string) => ({ type: "gcp" as const, serviceAccountEmail: email });
  const project = { type: "gcp" as const, projectNumber: customer };
  const page = { pageSize: 100 };
  const one = () => {
    const { control, ...rest } = subject();
    const { listOf, removeAll } = control;
    if (!listOf || !removeAll) throw new Error("The registry knows no consumers.");
    return { control, listOf, removeAll, ...rest };
  };

  test("is told its own grants, under the registry's prefix, and loses them in one edit", async () => {
    const { control, listOf, removeAll, registry, name, email, gcp, writes } = one();
    await control.add(name, { ...workers(customer), serviceAccountEmails: [email] }, newCall());
    const repoId = registry.upstreamRepositoryPrefix;
    expect(await listOf(consumerOf(email), page, newCall())).toEqual({ items: [{ repoId, grants: [emails(email)] }] });
    expect(await listOf(project, page, newCall())).toEqual({ items: [{ repoId, grants: [workers(customer)] }] });
    gcp.calls.length = 0;
    expect(await removeAll(project, page, newCall())).toEqual({ items: [{ name: repoId, changed: true }] });
    expect(writes()).toBe(1);
    expect(await removeAll(project, page, newCall())).toEqual({ items: [] });
    expect(writes()).toBe(1);
    expect(await listOf(project, page, newCall())).toEqual({ items: [] });
    expect((await control.get(name, newCall())).grants).toEqual([emails(email)]);
    expect(await removeAll(consumerOf(email), page, newCall())).toEqual({ items: [{ name: repoId, changed: true }] });
    expect((await control.get(name, newCall())).grants).toEqual([]);
  });

  test("that is a project goes by the address of its worker as well", async () => {
    const { control, listOf, removeAll, registry, name } = one();
    await control.add(name, workers(customer), newCall());
    const agent = consumerOf(`service-${customer}@serverless-robot-prod.iam.gserviceaccount.com`);
    const repoId = registry.upstreamRepositoryPrefix;
    expect(await listOf(agent, page, newCall())).toEqual({ items: [{ repoId, grants: [workers(customer)] }] });
    expect(await removeAll(agent, page, newCall())).toEqual({ items: [{ name: repoId, changed: true }] });
    expect((await control.get(name, newCall())).grants).toEqual([]);
  });

  test("whose account was deleted may pull nothing, and is still removed", async () => {
    const { control, listOf, removeAll, registry, gcp, resource, name, email } = one();
    await control.add(name, emails(email), newCall());
    gcp.deleteServiceAccount(email);
    expect(JSON.stringify(gcp.policy(resource))).toContain(`deleted:serviceAccount:${email}`);
    expect(await listOf(consumerOf(email), page, newCall())).toEqual({ items: [] });
    const changed = { items: [{ name: registry.upstreamRepositoryPrefix, changed: true }] };
    expect(await removeAll(consumerOf(email), page, newCall())).toEqual(changed);
    expect(JSON.stringify(gcp.policy(resource))).not.toContain(email);
  });

  test("whom others let in as well is told of that, and nothing of theirs is changed", async () => {
    const { gcp, removeAll, registry, resource, email } = one();
    const { bindings } = gcp.policy(resource);
    const writer = "roles/artifactregistry.writer";
    const theirs = { role: writer, members: [`serviceAccount:${email}`] };
    gcp.setPolicy(resource, [...bindings, theirs]);
    const unmanaged = [{ statement: writer, principals: theirs.members, actions: [writer], conditional: false }];
    const name = registry.upstreamRepositoryPrefix;
    expect(await removeAll(consumerOf(email), page, newCall())).toEqual({
      items: [{ name, changed: false, unmanaged }],
    });
    expect(gcp.policy(resource).bindings).toContainEqual(theirs);
    gcp.setPolicy(resource, bindings);
  });

  test("loses its grants once, though the answer is lost or another edit comes first", async () => {
    const { control, removeAll, registry, gcp, name, email } = one();
    const changed = { items: [{ name: registry.upstreamRepositoryPrefix, changed: true }] };
    for (const fault of [{ kind: "lost" }, { kind: "error", status: "ABORTED" }] as const) {
      await control.add(name, emails(email), newCall());
      gcp.faults.add({ fault, action: "SetIamPolicy" });
      expect(await removeAll(consumerOf(email), page, newCall())).toEqual(changed);
      expect((await control.get(name, newCall())).grants).toEqual([]);
    }
  });

  test("is none of the registry's own accounts: nothing is asked", async () => {
    const { gcp, listOf, removeAll } = one();
    for (const ask of [listOf, removeAll]) {
      await expect(ask(consumerOf(stack().pullAccount("images")), page, newCall())).rejects.toMatchObject({
        code: "INVALID_INPUT",
        context: { field: "grantee" },
      });
    }
    expect(gcp.calls).toEqual([]);
  });
});
