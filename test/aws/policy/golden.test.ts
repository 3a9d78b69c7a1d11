import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { RoutableName } from "../../../core/names.ts";
import { ecrRolePolicy, trustPolicy } from "../../../functions/aws/policy/roles.ts";
import { ecrPublicSessionPolicy, ecrSessionPolicy } from "../../../functions/aws/policy/session.ts";
import { publicRolePolicy } from "../../infra/support/aws-roles.ts";
import { access, aws, granted, readPolicy, workerIn, writePolicy } from "./support/access.ts";

const folder = new URL("golden/", import.meta.url);
const read = (file: string) => readFileSync(new URL(file, folder), "utf8");

/** `GOLDEN=write` writes the files anew (then let Biome format them); read the difference. */
function expectGolden(file: string, text: string | undefined): void {
  if (process.env.GOLDEN === "write") writeFileSync(new URL(file, folder), text ?? "null");
  // The order of members counts, white space does not.
  expect(text).toBe(JSON.stringify(JSON.parse(read(file))));
}

const grants = granted(
  access({ accountIds: ["111111111111"] }),
  workerIn(["222222222222", "333333333333"], ["us-east-1", "eu-central-1"]),
  workerIn(["444444444444"], ["us-east-1"]),
  workerIn(["555555555555"]),
  access({ roleArns: ["arn:aws:iam::666666666666:role/deploy/puller", "arn:aws:iam::666666666666:role/agent"] }),
);
const scope = { partition: "aws", account: "999999999999", name: "images-my-app" as RoutableName };
const registry = { partition: "aws", account: "999999999999", repositoryPrefix: "images" };

describe("documents as they are written", () => {
  test("repository policy with every kind of grant", () =>
    expectGolden("repository-policy.json", writePolicy(undefined, grants, aws)));
  test("repository policy in China", () =>
    expectGolden(
      "repository-policy-cn.json",
      writePolicy(undefined, granted(workerIn(["222222222222"], ["cn-north-1"])), { partition: "aws-cn" }),
    ));
  test("an edit of a policy in which others, and earlier tools, wrote", () => {
    const before = read("mixed-before.json");
    const reading = readPolicy(before, aws);
    expect(reading.unmanaged).toEqual(["Deploy pipeline", "LambdaECRImageCrossAccountRetrievalPolicy"]);
    expect(reading.dropped).toEqual(["AROAEXAMPLEEXAMPLE123"]);
    expectGolden("mixed-after.json", writePolicy(before, reading.grants, aws));
  });
  test.each(["pull", "push-pull"] as const)("session and role for %s", (permissions) => {
    expectGolden(`session-${permissions}.json`, ecrSessionPolicy({ ...scope, region: "us-west-2", permissions }));
    expectGolden(`session-public-${permissions}.json`, ecrPublicSessionPolicy({ ...scope, permissions }));
    expectGolden(
      `role-${permissions}.json`,
      ecrRolePolicy({ ...registry, permissions }, ["us-west-2", "us-east-1", "us-west-2"]),
    );
    expectGolden(`role-public-${permissions}.json`, publicRolePolicy({ ...registry, permissions }));
  });
  test("trust", () =>
    expectGolden(
      "trust.json",
      trustPolicy({
        ...registry,
        functionRoleArns: [
          "arn:aws:iam::999999999999:role/images-platform",
          "arn:aws:iam::999999999999:role/images-oidc",
        ],
      }),
    ));
});
