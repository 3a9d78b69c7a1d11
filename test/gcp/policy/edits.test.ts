import fc from "fast-check";
import { expect, test } from "vitest";
import type { GcpAccess } from "../../../core/schemas.ts";
import { grantsOf, memberOf } from "../../../functions/gcp/grants.ts";
import { readGrants } from "../../../functions/gcp/policy/grants.ts";
import { anyAccess, apply, own, type Step, steps } from "./support/access.ts";
import { foreignPolicy } from "./support/foreign.ts";

const add = (access: GcpAccess): Step => ({ does: "add", access });
const remove = (access: GcpAccess): Step => ({ does: "remove", access });

/** The rules once more, in the plainest form: a set of members. */
function model(held: ReadonlySet<string>, { does, access }: Step): Set<string> {
  const robots = access.projectNumbers.map((n) => `service-${n}@serverless-robot-prod.iam.gserviceaccount.com`);
  const named = [
    ...access.serviceAccountEmails,
    ...(does === "remove" || access.allowedServiceTypes.length > 0 ? robots : []),
  ].map((email) => `serviceAccount:${email}`);
  return does === "add" ? new Set([...held, ...named]) : new Set([...held].filter((member) => !named.includes(member)));
}

test("any adds and removes end as a plain set of members would", () => {
  fc.assert(
    fc.property(foreignPolicy, steps, ({ policy }, all) => {
      const held = grantsOf(readGrants(all.reduce(apply, policy), own)).map(memberOf);
      expect(new Set(held)).toEqual(all.reduce<ReadonlySet<string>>(model, new Set()));
    }),
  );
});

test("the same edit again changes nothing: the very same policy comes back, and is not written", () => {
  fc.assert(
    fc.property(foreignPolicy, steps, anyAccess, fc.boolean(), ({ policy }, all, access, adds) => {
      const step = adds ? add(access) : remove(access);
      const once = apply(all.reduce(apply, policy), step);
      expect(apply(once, step)).toBe(once);
    }),
  );
});

test("two adds, and two removes, give the same set in either order", () => {
  fc.assert(
    fc.property(foreignPolicy, steps, anyAccess, anyAccess, fc.boolean(), ({ policy }, all, one, other, adds) => {
      const step = adds ? add : remove;
      const before = all.reduce(apply, policy);
      const grants = (first: GcpAccess, second: GcpAccess) =>
        readGrants(apply(apply(before, step(first)), step(second)), own);
      expect(grants(one, other)).toEqual(grants(other, one));
    }),
  );
});

test("nobody who is not named gains or loses anything", () => {
  fc.assert(
    fc.property(foreignPolicy, steps, anyAccess, fc.boolean(), ({ policy }, all, access, adds) => {
      const members = (each: typeof policy) => new Set(grantsOf(readGrants(each, own)).map(memberOf));
      const step = adds ? add(access) : remove(access);
      const before = all.reduce(apply, policy);
      const after = members(apply(before, step));
      const named = model(new Set(), add({ ...access, allowedServiceTypes: ["worker"] }));
      const changed = [...members(before), ...after].filter((each) => members(before).has(each) !== after.has(each));
      for (const member of changed) expect(named).toContain(member);
    }),
  );
});

test("after a removal nobody named may pull, whatever service types it gave", () => {
  fc.assert(
    fc.property(foreignPolicy, steps, anyAccess, ({ policy }, all, access) => {
      const after = readGrants(apply(all.reduce(apply, policy), remove(access)), own);
      for (const number of access.projectNumbers) expect(after.workers).not.toContain(number);
      for (const email of access.serviceAccountEmails) expect(after.serviceAccounts).not.toContain(email);
    }),
  );
});
