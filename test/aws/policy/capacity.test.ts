import { expect, test } from "vitest";
import { removeAccess } from "../../../functions/aws/grants/changes.ts";
import { policyLimit } from "../../../functions/aws/policy/write.ts";
import { access, aws, granted, readPolicy, refusal, workerIn, writePolicy } from "./support/access.ts";

// The longest names that partition aws has: no ten regions take more room.
const ten = [
  "ap-northeast-1",
  "ap-northeast-2",
  "ap-northeast-3",
  ...[1, 2, 3, 4, 5, 6, 7].map((n) => `ap-southeast-${n}`),
];
const consumers = (count: number) => Array.from({ length: count }, (_, index) => String(100_000_000_000 + index));

test("120 accounts, each with its own access and workers in the same ten regions, fit", () => {
  const grants = granted(workerIn(consumers(120), ten));
  expect(grants.accounts.length).toBe(120);
  const text = writePolicy(undefined, grants, aws) ?? "";
  console.log(`policy of 120 accounts in ten regions: ${text.length} of ${policyLimit} characters`);
  expect(text.length).toBeLessThanOrEqual(policyLimit);
  expect(readPolicy(text, aws).grants).toEqual(grants);
});

test("added one by one by separate calls, it is the same text", () => {
  const one = granted(...consumers(120).map((account) => workerIn([account], ten)));
  expect(writePolicy(undefined, one, aws)).toBe(writePolicy(undefined, granted(workerIn(consumers(120), ten)), aws));
});

test("one consumer too many is refused, with the limit and what is in use", () => {
  let most = 0;
  while (fits(most + 1)) most++;
  console.log(`most accounts in ten regions: ${most}`);
  const error = refusal(() => writePolicy(undefined, granted(workerIn(consumers(most + 1), ten)), aws));
  expect(error).toMatchObject({ code: "QUOTA_EXCEEDED", retryable: false, context: { limit: 10_240 } });
  expect(error.context?.characters).toBeGreaterThan(10_240);
  expect(error.message).toContain("10240");
  expect(error.message).toContain(String(error.context?.characters));
});

function fits(count: number): boolean {
  try {
    return writePolicy(undefined, granted(workerIn(consumers(count), ten)), aws) !== undefined;
  } catch {
    return false;
  }
}

test("exactly the limit is allowed, one character more is not; others' statements count", () => {
  const foreign = (length: number) =>
    JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Sid: "x".repeat(length), Effect: "Deny", Principal: "*", Action: "ecr:*" }],
    });
  const grants = granted(access({ accountIds: ["111111111111"] }));
  const base = writePolicy(foreign(1), grants, aws)?.length ?? 0;
  expect(writePolicy(foreign(1 + policyLimit - base), grants, aws)?.length).toBe(policyLimit);
  expect(refusal(() => writePolicy(foreign(2 + policyLimit - base), grants, aws)).code).toBe("QUOTA_EXCEEDED");
});

test("a full policy can always be shrunk by whole accounts", () => {
  const full = granted(workerIn(consumers(120), ten));
  const text = writePolicy(undefined, full, aws);
  for (const value of [workerIn(consumers(1)), access({ accountIds: consumers(1) })]) {
    expect(writePolicy(text, removeAccess(full, value), aws)?.length).toBeLessThan(text?.length ?? 0);
  }
});
