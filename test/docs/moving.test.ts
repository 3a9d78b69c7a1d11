import { expect, it } from "vitest";
import { addAccess } from "../../functions/aws/grants/changes.ts";
import { toPermissions } from "../../functions/aws/grants/forms.ts";
import { unmanagedIn } from "../../functions/aws/policy/unmanaged.ts";
import { readPolicy, writePolicy } from "../aws/policy/support/access.ts";
import { readPages } from "./pages.ts";

/** What docs/moving.md shows is what becomes of that policy. */
const blocks = (await readPages()).find(({ path }) => path === "docs/moving.md")?.blocks ?? [];
const [before, answer, after] = blocks.slice(0, 3).map(({ text }) => JSON.parse(text));
const context = { partition: "aws" };

it("the policy of an earlier tool is read as the page says", () => {
  const policy = readPolicy(JSON.stringify(before), context);
  const { grants } = policy;
  const unmanaged = unmanagedIn(policy);
  expect({ ...toPermissions(grants), unmanaged, scope: "repository" }).toEqual(answer);
});

it("and is written as the page says", () => {
  const { grants } = readPolicy(JSON.stringify(before), context);
  const roleArns = ["arn:aws:iam::222233334444:role/pull"];
  const edited = addAccess(grants, { type: "aws", accountIds: [], regions: [], roleArns, allowedServiceTypes: [] });
  expect(JSON.parse(writePolicy(JSON.stringify(before), edited, context) ?? "")).toEqual(after);
});
