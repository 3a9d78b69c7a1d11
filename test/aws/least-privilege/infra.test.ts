import { describe, expect, test } from "vitest";
import { roleArn } from "../../../functions/aws/policy/roles.ts";
import { valuesOf } from "../../infra/support/aws-roles.ts";
import { blanksOf, doorPolicies } from "../../infra/support/module.ts";
import { account, doors, home, queueArn, replica, scope } from "./support/scope.ts";

const repository = (region: string, name: string) => `arn:aws:ecr:${region}:${account}:repository/${name}`;
const insideHome = [repository(home, "images-*"), repository(home, "acme-*")];
const own = [repository(home, "images"), repository(home, "acme-*")];
// All of them have the same replica regions, which the statements' conditions name.
const inside = [repository("*", "images-*"), repository("*", "acme-*")];
const roles = ["images-pull", "images-push", "acme-*-pull", "acme-*-push"].map((name) => roleArn("aws", account, name));

/** What infra/aws/policies.tf fills in for the same registries. */
const values: Readonly<Record<string, string | readonly string[]>> = {
  owners: ["images", "acme-*"],
  regions: [home, replica],
  repositories_home: [...own, ...insideHome],
  kept: [repository("*", "images-*")],
  repositories: [repository("*", "images"), ...inside],
  listed: [repository(home, "*"), repository(replica, "*")],
  inside,
  derived_home: [repository(home, "acme-*")],
  keys: scope.keyArns,
  lease_table: scope.leaseTableArn,
  minting_roles: roles,
  provisioned_roles: roles,
  read_roles: roles,
  queue_key: [],
  lease_key: [],
  own_repositories: own,
  every_repository: repository("*", "*"),
  probes: [repository("*", "images--principals"), repository("*", "acme-*--principals")],
  repositories_anywhere: [repository("*", "images"), repository("*", "images-*"), repository("*", "acme-*")],
  replication_role: roleArn(
    "aws",
    account,
    "aws-service-role/replication.ecr.amazonaws.com/AWSServiceRoleForECRReplication",
  ),
  boundary: scope.boundaryArn,
  setup_queue: queueArn.replace("dead-letters", "setup"),
  dead_letter_queue: queueArn,
};

/** What the module itself makes of them is tested in infra/aws/tests/policies.tftest.hcl. */
describe("what the tests fill into the policies is what infra/aws/policies.tf does", () => {
  test.each(Object.entries(values))("%s", (name, expected) => {
    const filled = valuesOf(scope)[name];
    expect([filled].flat().sort()).toEqual([...new Set([expected].flat())].sort());
  });

  test("and nothing is left out", () => {
    expect(Object.keys(valuesOf(scope)).sort()).toEqual(Object.keys(values).sort());
    const blanks = new Set(doors.flatMap((door) => doorPolicies[door] ?? []).flatMap(blanksOf));
    // What Lambda itself does, and what ECR Public needs, is not the code's on private ECR.
    for (const other of [
      "log_streams",
      "public_inside",
      "public_repositories",
      "public_registry",
      "every_public_repository",
    ])
      expect(blanks.delete(other)).toBe(true);
    expect([...blanks].filter((blank) => !Object.hasOwn(values, blank))).toEqual([]);
  });
});
