import { expect, test } from "vitest";
import { grantSet, serviceAccount } from "../../../functions/gcp/grants.ts";
import { type IamPolicy, readerRole, refuseOverfull } from "../../../functions/gcp/policy/document.ts";
import { withGrants } from "../../../functions/gcp/policy/grants.ts";
import { emails, own } from "./support/access.ts";

const users = (count: number) => Array.from({ length: count }, (_, i) => `user:u${i}@example.com`);
const one = grantSet([serviceAccount(emails[0])]);
const add = (policy: IamPolicy) => () => refuseOverfull(policy, withGrants(policy, one, own));
/** Every occurrence counts, also of the same member in another role or under a condition. */
const spread = (count: number): IamPolicy => ({
  bindings: [
    { role: "roles/artifactregistry.writer", members: users(500) },
    { role: readerRole, members: users(500), condition: { title: "t", expression: "true" } },
    { role: readerRole, members: users(count - 1_000) },
  ],
});

test("a policy may hold 1,500 members, counted over all its bindings", () => {
  expect(add(spread(1_499))).not.toThrow();
  expect(add(spread(1_500))).toThrow(
    expect.objectContaining({
      code: "QUOTA_EXCEEDED",
      retryable: false,
      context: { limit: 1_500, inUse: 1_500, wanted: 1_501 },
    }),
  );
});

test("members whom an audit configuration exempts count as well", () => {
  const auditConfigs = [
    { service: "allServices", auditLogConfigs: [{ logType: "DATA_READ", exemptedMembers: users(2) }] },
    { service: "artifactregistry.googleapis.com", auditLogConfigs: [{ logType: "DATA_WRITE" }] },
  ];
  expect(add({ ...spread(1_497), auditConfigs })).not.toThrow();
  expect(add({ ...spread(1_498), auditConfigs })).toThrow(
    expect.objectContaining({
      code: "QUOTA_EXCEEDED",
      context: { limit: 1_500, inUse: 1_500, wanted: 1_501 },
    }),
  );
});
