import fc from "fast-check";
import { ArtifactRegistryError } from "../../../../core/errors.ts";
import type { AwsAccess } from "../../../../core/schemas.ts";
import { addAccess } from "../../../../functions/aws/grants/changes.ts";
import { type GrantSet, grantSet, noGrants } from "../../../../functions/aws/grants/grant.ts";
import { type Policy, type PolicyContext, readPolicy as read } from "../../../../functions/aws/policy/read.ts";
import { unmanagedIn } from "../../../../functions/aws/policy/unmanaged.ts";
import { writePolicy as write } from "../../../../functions/aws/policy/write.ts";

/** A small world, so that what is added and what is removed meet often. */
export const accounts = ["111111111111", "222222222222", "333333333333"] as const;
export const regions = ["us-east-1", "us-west-2", "eu-central-1"] as const;
/** One role in an account that may be granted itself, two in accounts that never are. */
export const roles = [
  "arn:aws:iam::111111111111:role/deploy/puller",
  "arn:aws:iam::444444444444:role/puller",
  "arn:aws:iam::555555555555:role/puller",
] as const;

export const aws = { partition: "aws" } as const;

/** A policy's text as the adapter reads it, with all that it grants as one set, and the names of what is unmanaged. */
export function readPolicy(
  text: string | undefined,
  context: PolicyContext,
): Policy & { readonly grants: GrantSet; readonly unmanaged: string[] } {
  const policy = read(text, context);
  const unmanaged = unmanagedIn(policy).map(({ statement }) => statement);
  return { ...policy, grants: grantSet([...policy.own, ...policy.adopted]), unmanaged };
}

/** The text that the adapter writes in the place of another. */
export function writePolicy(
  previous: string | undefined,
  grants: GrantSet,
  context: PolicyContext,
): string | undefined {
  return write(read(previous, context), grants, context).text;
}

/** An access value of which only the interesting parts are given. */
export function access(parts: Partial<AwsAccess> = {}): AwsAccess {
  return { type: "aws", accountIds: [], regions: [], roleArns: [], allowedServiceTypes: [], ...parts };
}

export const workerIn = (accountIds: readonly string[], inRegions: readonly string[] = []): AwsAccess =>
  access({ accountIds: [...accountIds], regions: [...inRegions], allowedServiceTypes: ["worker"] });

export const granted = (...values: readonly AwsAccess[]): GrantSet => values.reduce(addAccess, noGrants);

// Doubles and any order: callers send what they like.
const some = (values: readonly string[]) => fc.array(fc.constantFrom(...values), { maxLength: values.length });

export const anyAccess: fc.Arbitrary<AwsAccess> = accessOf(accounts, roles);

export function accessOf(ofAccounts: readonly string[], ofRoles: readonly string[]): fc.Arbitrary<AwsAccess> {
  return fc.record({
    type: fc.constant("aws" as const),
    accountIds: some(ofAccounts),
    regions: some(regions),
    roleArns: some(ofRoles),
    allowedServiceTypes: fc.constantFrom<"worker"[][]>([], ["worker"]).map((types) => [...types]),
  });
}

export interface Step {
  readonly does: "add" | "remove";
  readonly access: AwsAccess;
}

export const steps = (ofAccess: fc.Arbitrary<AwsAccess> = anyAccess, maxLength = 8): fc.Arbitrary<Step[]> =>
  fc.array(fc.record({ does: fc.constantFrom("add" as const, "add" as const, "remove" as const), access: ofAccess }), {
    maxLength,
  });

export const anyGrants: fc.Arbitrary<GrantSet> = fc.array(anyAccess, { maxLength: 6 }).map((all) => granted(...all));

/** The error that a call throws; a test fails where it throws none, or another kind. */
export function refusal(run: () => unknown): ArtifactRegistryError {
  try {
    run();
  } catch (error) {
    if (error instanceof ArtifactRegistryError) return error;
    throw error;
  }
  throw new Error("Nothing was refused.");
}
