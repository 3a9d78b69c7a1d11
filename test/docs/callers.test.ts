import { expect, test } from "vitest";
import { doorCaller } from "../../core/caller.ts";
import type { RoutableName } from "../../core/names.ts";
import { granteesOf } from "../../core/operation.ts";
import type { OperationName } from "../../core/operations.ts";
import { authorise } from "../../core/rules.ts";
import { parseRules } from "../../core/rules-source.ts";
import type { Permissions } from "../../core/schemas.ts";
import { awsAccess } from "../support/inputs.ts";
import { formOf } from "./support/issuers.ts";

/** The rules of docs/callers.md do what the page says of them. */
const rules = parseRules(await formOf("docs/callers.md", "rules"));
const role = (name: string, issuer = "aws") => ({ issuer, subject: `111122223333:role/${name}` });
const may = (
  caller: ReturnType<typeof role>,
  operation: OperationName,
  repository: string,
  grantees: object = {},
  permissions: Permissions = "pull",
) => {
  const access = { ...awsAccess, accountIds: [], roleArns: [], ...grantees };
  const mints = operation === "generateCredentials";
  return authorise(rules, caller, operation, "images", {
    repository: repository as RoutableName | "every" | "none",
    permissions: mints ? permissions : "none",
    grantees: granteesOf(access),
  }).allowed;
};

test("the pipeline and events, and nobody else", () => {
  expect(may(role("pipeline"), "generateCredentials", "acme-images-my-app")).toBe(true);
  expect(may(doorCaller("events"), "setupRepository", "acme-images-my-app")).toBe(true);
  expect(may(role("pipeline"), "generateCredentials", "acme-images-my-app", {}, "push-pull")).toBe(true);
  expect(may(role("worker"), "generateCredentials", "acme-images-my-app")).toBe(true);
  expect(may(role("worker"), "generateCredentials", "acme-images-my-app", {}, "push-pull")).toBe(false);
  expect(may(doorCaller("events"), "generateCredentials", "acme-images-my-app")).toBe(false);
  expect(may(role("pipeline"), "deleteRepository", "acme-images-my-app")).toBe(false);
  expect(may(role("pipeline-2"), "generateCredentials", "acme-images-my-app")).toBe(false);
  expect(may(role("pipeline", "gcp"), "generateCredentials", "acme-images-my-app")).toBe(false);
  expect(may(doorCaller("invoke"), "setupRepository", "acme-images-my-app")).toBe(false);
});

test("no bare prefix, and not the whole registry", () => {
  expect(may(role("pipeline"), "createRepository", "acme-images")).toBe(false);
  expect(may(role("pipeline"), "generateCredentials", "every")).toBe(false);
  expect(may(doorCaller("provision"), "provisionRegistry", "every")).toBe(true);
});

test("only the grantees that are named, and their roles; anybody may be taken out", () => {
  const grant = (grantees: object, operation: OperationName = "addCrossAccountAccess") =>
    may(role("onboarding"), operation, "acme-images-my-app", grantees);
  expect(grant({ accountIds: ["222233334444"] })).toBe(true);
  expect(grant({ roleArns: ["arn:aws:iam::222233334444:role/any"] })).toBe(true);
  expect(grant({ roleArns: ["arn:aws:iam::333344445555:role/pull"] })).toBe(true);
  expect(grant({ accountIds: ["333344445555"] })).toBe(false);
  expect(grant({ accountIds: ["222233334444", "999999999999"] })).toBe(false);
  expect(grant({}, "getCrossAccountAccess")).toBe(true);
  expect(may(role("pipeline"), "setupRepository", "acme-images-my-app", { accountIds: ["222233334444"] })).toBe(false);
});
