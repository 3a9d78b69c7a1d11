import fc from "fast-check";
import type { GcpAccess } from "../../../../core/schemas.ts";
import {
  type GrantSet,
  grantSet,
  grantsAddedBy,
  grantsRemovedBy,
  serviceAccount,
  worker,
} from "../../../../functions/gcp/grants.ts";
import type { IamPolicy } from "../../../../functions/gcp/policy/document.ts";
import { withGrants, withoutGrants } from "../../../../functions/gcp/policy/grants.ts";

/** A small world, so that what is added and what is removed meet often. */
export const projects = ["111111111111", "222222222222", "333333333333"] as const;
export const emails = [
  "puller@customer-one.iam.gserviceaccount.com",
  "puller@customer-two.iam.gserviceaccount.com",
  "111111111111-compute@developer.gserviceaccount.com",
  // The service agent of the first project: the same member as its worker.
  "service-111111111111@serverless-robot-prod.iam.gserviceaccount.com",
] as const;

export const own: ReadonlySet<string> = new Set([
  "images-pull@vendor.iam.gserviceaccount.com",
  "images-push@vendor.iam.gserviceaccount.com",
]);

/** An access value of which only the interesting parts are given. */
export function access(parts: Partial<GcpAccess> = {}): GcpAccess {
  return { type: "gcp", projectNumbers: [], serviceAccountEmails: [], allowedServiceTypes: [], ...parts };
}

// Doubles and any order: callers send what they like.
const some = (values: readonly string[]) => fc.array(fc.constantFrom(...values), { maxLength: values.length });

export const anyAccess: fc.Arbitrary<GcpAccess> = fc.record({
  type: fc.constant("gcp" as const),
  projectNumbers: some(projects),
  serviceAccountEmails: some(emails),
  allowedServiceTypes: fc.constantFrom<"worker"[][]>([], ["worker"]).map((types) => [...types]),
});

export const anyGrants: fc.Arbitrary<GrantSet> = fc
  .tuple(some(projects), some(emails.slice(0, 3)))
  .map(([numbers, accounts]) => grantSet([...numbers.map(worker), ...accounts.map(serviceAccount)]));

export interface Step {
  readonly does: "add" | "remove";
  readonly access: GcpAccess;
}

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({ does: fc.constantFrom("add" as const, "add" as const, "remove" as const), access: anyAccess }),
  { maxLength: 8 },
);

export function apply(policy: IamPolicy, { does, access: value }: Step): IamPolicy {
  return does === "add"
    ? withGrants(policy, grantsAddedBy(value), own)
    : withoutGrants(policy, grantsRemovedBy(value), own);
}
