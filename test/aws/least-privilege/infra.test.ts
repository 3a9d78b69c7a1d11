import { describe, expect, test } from "vitest";
import { executionStatements } from "../../../functions/aws/policy/execution-policy.ts";
import { roleArn } from "../../../functions/aws/provisioning/role-names.ts";
import { doorPolicies, renderPolicy } from "../../infra/support/module.ts";
import { account, doors, home, keyArn, queueArn, replica, scope } from "./support/scope.ts";

const repository = (region: string, name: string) => `arn:aws:ecr:${region}:${account}:repository/${name}`;
const insideHome = [repository(home, "images-*"), repository(home, "acme-*")];
const own = [repository(home, "images"), repository(home, "acme-*")];
const inside = [repository(replica, "images-*"), repository(replica, "acme-*")];
const roles = ["images-pull", "images-push", "acme-*-pull", "acme-*-push"].map((name) => roleArn("aws", account, name));

/** What infra/aws/policies.tf fills in for the same registries. */
const values: Readonly<Record<string, string | readonly string[]>> = {
  owners: ["images", "acme-*"],
  repositories_home: [...own, ...insideHome],
  inside_home: insideHome,
  kept_home: [repository(home, "images-*")],
  repositories: [...own, ...insideHome, repository(replica, "images"), ...inside],
  inside: [...insideHome, ...inside],
  derived_home: [repository(home, "acme-*")],
  keys: [keyArn],
  lease_table: scope.leaseTableArn,
  minting_roles: roles,
  provisioned_roles: roles,
  own_repositories: own,
  every_repository: repository("*", "*"),
  repositories_anywhere: [repository("*", "images"), repository("*", "images-*"), repository("*", "acme-*")],
  replication_role: roleArn(
    "aws",
    account,
    "aws-service-role/replication.ecr.amazonaws.com/AWSServiceRoleForECRReplication",
  ),
  boundary: scope.boundaryArn,
  setup_queue: "arn:setup",
  dead_letter_queue: queueArn,
};

/** What Lambda itself does in the function's name, and what ECR Public needs, is not the code's on private ECR. */
const beside = ["logs", "public-repositories", "public-deletions"];
const ofLambda = ["ReceiveEvents"];

interface Comparable {
  readonly Sid: string;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: object;
}

const list = (value: string | readonly string[] = []) => [...new Set([value].flat())].sort();
const lists = (condition: object): object =>
  JSON.parse(JSON.stringify(condition), (_key, value) => (typeof value === "string" ? [value] : value));
const flatten = (value: object): object =>
  JSON.parse(JSON.stringify(value), (_key, each) =>
    Array.isArray(each) ? each.flat(Number.POSITIVE_INFINITY).sort() : each,
  );

function comparable(statements: readonly Comparable[]) {
  return Object.fromEntries(
    statements.map(({ Sid, Action, Resource, Condition }) => [
      Sid,
      { Action: list(Action), Resource: list(Resource), ...(Condition && { Condition: flatten(lists(Condition)) }) },
    ]),
  );
}

describe("infra/aws gives each door exactly its execution policy", () => {
  test.each(doors)("%s", (door) => {
    const names = (doorPolicies[door] ?? []).filter((name) => !beside.includes(name));
    const theirs = names
      .flatMap((name) => renderPolicy(name, values).Statement)
      .filter(({ Sid }) => !ofLambda.includes(Sid));
    expect(comparable(theirs)).toEqual(comparable(executionStatements(door, scope)));
  });
});
