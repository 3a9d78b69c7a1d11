import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { grantSet, grantsAddedBy, grantsOf, noGrants, toPermissions } from "../../../functions/gcp/grants.ts";
import { type Binding, type IamPolicy, isUnconditional, readerRole } from "../../../functions/gcp/policy/document.ts";
import { readGrants, withGrants, withoutGrants } from "../../../functions/gcp/policy/grants.ts";
import { anyGrants, apply, own, steps } from "./support/access.ts";
import { foreignPolicy } from "./support/foreign.ts";

const isGrantBinding = (binding: Binding) => isUnconditional(binding, readerRole);
const theirs = (policy: IamPolicy) => (policy.bindings ?? []).filter((binding) => !isGrantBinding(binding));
const ours = (policy: IamPolicy) =>
  (policy.bindings ?? []).filter(isGrantBinding).flatMap(({ members }) => members ?? []);

describe("grants to policy and back", () => {
  test("a set comes back as it was, whatever else the policy holds", () => {
    fc.assert(
      fc.property(foreignPolicy, anyGrants, ({ policy }, grants) => {
        expect(readGrants(withGrants(policy, grants, own), own)).toEqual(grants);
        expect(readGrants(policy, own)).toEqual(noGrants);
      }),
    );
  });

  test("what get answers, added one by one to nothing, gives the same set", () => {
    fc.assert(
      fc.property(anyGrants, (grants) => {
        const { grants: values, access } = toPermissions(grants);
        expect(grantSet(values.flatMap((value) => grantsOf(grantsAddedBy(value))))).toEqual(grants);
        expect(grantsAddedBy(access)).toEqual(grants);
      }),
    );
  });

  test("taking everything away leaves what was there before", () => {
    fc.assert(
      fc.property(foreignPolicy, anyGrants, ({ policy }, grants) => {
        const { version: _before, ...before } = policy;
        const { version: _after, ...after } = withoutGrants(withGrants(policy, grants, own), grants, own);
        expect(after).toEqual(before);
      }),
    );
  });

  test("every changed policy is of version 3, which alone can hold conditions", () => {
    fc.assert(
      fc.property(foreignPolicy, steps, ({ policy }, all) => {
        const after = all.reduce(apply, policy);
        if (after !== policy) expect(after.version).toBe(3);
      }),
    );
  });
});

describe("what others wrote", () => {
  test("stays through any edits: bindings, conditions, members, audit configuration, in their order", () => {
    fc.assert(
      fc.property(foreignPolicy, steps, ({ policy, bindings, members }, all) => {
        const after = all.reduce(apply, policy);
        expect(theirs(after)).toEqual(bindings);
        const known = new Set<string>(members);
        expect(ours(after).filter((member) => known.has(member))).toEqual(members);
        const { bindings: _after, version: _version, ...rest } = after;
        const { bindings: _before, version: _old, ...envelope } = policy;
        expect(rest).toEqual(envelope);
      }),
    );
  });

  test("is never changed in place", () => {
    fc.assert(
      fc.property(foreignPolicy, steps, ({ policy }, all) => {
        const copy = structuredClone({ ...policy, etag: null });
        all.reduce(apply, policy);
        expect({ ...policy, etag: null }).toEqual(copy);
      }),
    );
  });
});
