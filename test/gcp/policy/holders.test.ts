import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Binding, IamPolicy } from "../../../functions/gcp/policy/document.ts";
import { type Holder, holdsRole, otherRoles, withHolders } from "../../../functions/gcp/policy/holders.ts";

const roles = ["roles/reader", "roles/writer", "roles/admin"];
const own = ["pull@p.iam.gserviceaccount.com", "push@p.iam.gserviceaccount.com"];
const strangers = ["user:a@example.com", "serviceAccount:other@p.iam.gserviceaccount.com", "allUsers"];
const members = [
  ...strangers,
  "deleted:serviceAccount:other@p.iam.gserviceaccount.com?uid=1",
  ...own.flatMap((email) => [`serviceAccount:${email}`, `deleted:serviceAccount:${email}?uid=2`]),
];
const isOurs = (member: string) => own.some((email) => member.includes(`:${email}`));

const binding: fc.Arbitrary<Binding> = fc.record(
  {
    role: fc.constantFrom(...roles),
    members: fc.uniqueArray(fc.constantFrom(...members), { minLength: 1 }),
    condition: fc.constantFrom({ title: "t", expression: "true" }, null),
  },
  { requiredKeys: ["role", "members"] },
);
const policies: fc.Arbitrary<IamPolicy> = fc.record({
  version: fc.constant(3),
  etag: fc.constant("x"),
  bindings: fc.array(binding, { maxLength: 6 }),
});
const holders: fc.Arbitrary<readonly Holder[]> = fc
  .tuple(fc.constantFrom(...roles), fc.constantFrom(...roles))
  .map((wanted) => own.map((email, index) => ({ email, role: wanted[index] ?? "" })));

const every = (property: (policy: IamPolicy, wanted: readonly Holder[], exactly: boolean) => void) =>
  fc.assert(fc.property(policies, holders, fc.boolean(), property));
/** What a policy gives to those that are not ours, in order. */
const foreign = ({ bindings }: IamPolicy) =>
  (bindings ?? [])
    .map((each) => ({ ...each, members: (each.members ?? []).filter((member) => !isOurs(member)) }))
    .filter((each) => each.members.length > 0);

describe("a policy with its holders", () => {
  test("gives each its role", () => {
    every((policy, wanted, exactly) => {
      const changed = withHolders(policy, wanted, exactly);
      for (const holder of wanted) expect(holdsRole(changed, holder)).toBe(true);
    });
  });

  test("leaves everybody else what they had, in order, with its etag", () => {
    every((policy, wanted, exactly) => {
      const changed = withHolders(policy, wanted, exactly);
      expect(foreign(changed)).toEqual(foreign(policy));
      expect(changed.etag).toBe("x");
    });
  });

  test("exactly: gives them nothing else, and leaves nothing of who had their name", () => {
    every((policy, wanted) => {
      const changed = withHolders(policy, wanted, true);
      for (const holder of wanted) expect(otherRoles(changed, holder)).toEqual([]);
      for (const { members = [] } of changed.bindings ?? []) {
        for (const member of members ?? []) if (isOurs(member)) expect(member).not.toMatch(/^deleted:/);
      }
    });
  });

  test("not exactly: takes nothing from them, and leaves nothing in the role of who had their name", () => {
    every((policy, wanted) => {
      const changed = withHolders(policy, wanted, false);
      for (const holder of wanted) expect(otherRoles(changed, holder)).toEqual(otherRoles(policy, holder));
      for (const { role, condition, members } of changed.bindings ?? []) {
        const left = wanted.filter((holder) => holder.role === role && !condition);
        for (const { email } of left) {
          expect(members?.filter((member) => member.startsWith(`deleted:serviceAccount:${email}`))).toEqual([]);
        }
      }
    });
  });

  test("is the very policy where there is nothing to do", () => {
    every((policy, wanted, exactly) => {
      const changed = withHolders(policy, wanted, exactly);
      expect(withHolders(changed, wanted, exactly)).toBe(changed);
    });
  });

  test("has no binding that is empty, and is of the version that holds conditions", () => {
    every((policy, wanted, exactly) => {
      const { version, bindings = [] } = withHolders(policy, wanted, exactly);
      expect(version).toBe(3);
      expect(bindings?.filter(({ members: left }) => left?.length === 0)).toEqual([]);
    });
  });
});
