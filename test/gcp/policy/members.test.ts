import { describe, expect, test } from "vitest";
import {
  grantSet,
  grantsAddedBy,
  grantsRemovedBy,
  noGrants,
  serviceAccount,
  worker,
} from "../../../functions/gcp/grants.ts";
import { type IamPolicy, readerRole } from "../../../functions/gcp/policy/document.ts";
import { readGrants, withGrants, withoutGrants } from "../../../functions/gcp/policy/grants.ts";
import { access, emails, own, projects } from "./support/access.ts";
import { foreignMembers } from "./support/foreign.ts";

const [email, other] = emails;
const [project] = projects;
const holding = (...members: string[]): IamPolicy => ({ bindings: [{ role: readerRole, members, condition: null }] });
const membersOf = ({ bindings }: IamPolicy) => bindings?.map(({ members }) => members) ?? [];

describe("deleted accounts", () => {
  const deleted = `deleted:serviceAccount:${email}?uid=123456789012345678901`;
  const another = `deleted:serviceAccount:${other}?uid=2`;

  test("the removal of an e-mail removes its deleted forms, and no other", () => {
    const again = `deleted:serviceAccount:${email}?uid=9`;
    const policy = holding(deleted, another, `serviceAccount:${email}`, again, "group:g@example.com");
    const after = withoutGrants(policy, grantsRemovedBy(access({ serviceAccountEmails: [email] })), own);
    expect(membersOf(after)).toEqual([[another, "group:g@example.com"]]);
  });

  test("a project's removal removes its deleted service agent", () => {
    const agent = `deleted:serviceAccount:service-${project}@serverless-robot-prod.iam.gserviceaccount.com?uid=1`;
    expect(
      membersOf(withoutGrants(holding(agent), grantsRemovedBy(access({ projectNumbers: [project] })), own)),
    ).toEqual([]);
  });

  test("grant nobody anything, and an account made again is granted beside its forerunner", () => {
    expect(readGrants(holding(deleted), own)).toEqual(noGrants);
    const after = withGrants(holding(deleted), grantsAddedBy(access({ serviceAccountEmails: [email] })), own);
    expect(membersOf(after)).toEqual([[deleted, `serviceAccount:${email}`]]);
  });
});

describe("the registry's own accounts", () => {
  const members = [...own].map((each) => `serviceAccount:${each}`);
  const grants = grantSet([...own].map(serviceAccount));

  test("are not reported, not removed, and not added", () => {
    expect(readGrants(holding(...members), own)).toEqual(noGrants);
    const policy = holding(...members);
    expect(withoutGrants(policy, grants, own)).toBe(policy);
    expect(withGrants(policy, grants, own)).toBe(policy);
  });
});

describe("members", () => {
  test("a service agent is its project's worker, however it came there", () => {
    const agent = `service-${project}@serverless-robot-prod.iam.gserviceaccount.com`;
    expect(readGrants(holding(`serviceAccount:${agent}`), own)).toEqual(grantSet([worker(project)]));
    expect(grantsAddedBy(access({ serviceAccountEmails: [agent] }))).toEqual(grantSet([worker(project)]));
    const policy = withGrants(
      {},
      grantsAddedBy(access({ projectNumbers: [project], allowedServiceTypes: ["worker"] })),
      own,
    );
    expect(membersOf(withoutGrants(policy, grantsRemovedBy(access({ serviceAccountEmails: [agent] })), own))).toEqual(
      [],
    );
  });

  test("a project without service types grants nothing, and revokes its worker", () => {
    const value = access({ projectNumbers: [project] });
    expect(grantsAddedBy(value)).toEqual(noGrants);
    expect(grantsRemovedBy(value)).toEqual(grantSet([worker(project)]));
  });

  test("an address in capitals is the same address", () => {
    const policy = holding("serviceAccount:Puller@Customer-One.iam.gserviceaccount.com");
    const named = access({ serviceAccountEmails: [email] });
    expect(readGrants(policy, own)).toEqual(grantsAddedBy(named));
    expect(withGrants(policy, grantsAddedBy(named), own)).toBe(policy);
    expect(membersOf(withoutGrants(policy, grantsRemovedBy(named), own))).toEqual([]);
  });

  test.each(foreignMembers)("%s is nobody's grant", (member) => {
    expect(readGrants(holding(member), own)).toEqual(noGrants);
  });

  test("two unconditional bindings of the role are read as one, and revoked in both", () => {
    const twice: IamPolicy = {
      bindings: [
        ...(holding(`serviceAccount:${email}`).bindings ?? []),
        ...(holding(`serviceAccount:${email}`, "allUsers").bindings ?? []),
      ],
    };
    expect(readGrants(twice, own)).toEqual(grantSet([serviceAccount(email)]));
    expect(membersOf(withoutGrants(twice, grantSet([serviceAccount(email)]), own))).toEqual([["allUsers"]]);
  });
});
