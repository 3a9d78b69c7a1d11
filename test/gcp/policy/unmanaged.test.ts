import { describe, expect, test } from "vitest";
import { grantSet, serviceAccount, worker } from "../../../functions/gcp/grants.ts";
import { type Binding, readerRole } from "../../../functions/gcp/policy/document.ts";
import { stillLetIn, unmanagedIn } from "../../../functions/gcp/policy/unmanaged.ts";

const own = (email: string) => email.endsWith("@here.iam.gserviceaccount.com");
const account = "puller@customer.iam.gserviceaccount.com";
const agent = "service-444455556666@serverless-robot-prod.iam.gserviceaccount.com";
const writer = "roles/artifactregistry.writer";
const condition = { title: "for a while", expression: "request.time < timestamp('2027-01-01T00:00:00Z')" };
const bind = (role: string, ...members: string[]): Binding => ({ role, members });
const listed = (...bindings: Binding[]) => unmanagedIn({ bindings }, own);

describe("what somebody else grants", () => {
  test("is not what we did, nor the registry's own accounts, nor who is gone", () => {
    const members = [`serviceAccount:${account}`, `serviceAccount:${agent}`];
    const gone = `deleted:serviceAccount:${account}?uid=104711`;
    expect(
      listed(
        bind(readerRole, ...members, gone),
        bind(writer, "serviceAccount:images-push@here.iam.gserviceaccount.com"),
      ),
    ).toEqual([]);
    expect(unmanagedIn({}, own)).toEqual([]);
  });

  test("is everything else: users and everybody, conditions, other roles, and those of which nobody knows what they allow", () => {
    const conditional = { ...bind(readerRole, `serviceAccount:${account}`), condition };
    const custom = "projects/here/roles/images";
    expect(
      listed(
        bind(readerRole, `serviceAccount:${account}`, "user:a@example.com", "allUsers"),
        conditional,
        bind(writer, `serviceAccount:${account}`),
        bind(custom, "group:all@example.com"),
      ),
    ).toEqual([
      {
        statement: readerRole,
        principals: ["user:a@example.com", "allUsers"],
        actions: [readerRole],
        conditional: false,
      },
      { statement: readerRole, principals: [`serviceAccount:${account}`], actions: [readerRole], conditional: true },
      { statement: writer, principals: [`serviceAccount:${account}`], actions: [writer], conditional: false },
      {
        statement: custom,
        principals: ["group:all@example.com"],
        actions: [custom],
        conditional: false,
        unreadable: true,
      },
    ]);
  });
});

test.each([
  ["everybody", "allUsers", true],
  ["everybody with an account", "allAuthenticatedUsers", true],
  ["a group", "group:all@example.com", true],
  ["the very account", `serviceAccount:${account.toUpperCase()}`, true],
  ["the project's service agent", `serviceAccount:${agent}`, true],
  ["another account", "serviceAccount:other@customer.iam.gserviceaccount.com", false],
  ["a person", "user:a@example.com", false],
])("after a revocation, a binding for %s is told: %#", (_who, member, told) => {
  const revoked = grantSet([serviceAccount(account), worker("444455556666")]);
  expect(stillLetIn({ bindings: [bind(writer, member)] }, revoked, own).length).toBe(told ? 1 : 0);
});
