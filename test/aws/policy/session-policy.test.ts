import { describe, expect, test } from "vitest";
import type { RoutableName } from "../../../core/names.ts";
import { ecrRolePolicy, trustPolicy } from "../../../functions/aws/policy/roles.ts";
import { ecrPublicSessionPolicy, ecrSessionPolicy } from "../../../functions/aws/policy/session.ts";
import { publicRolePolicy } from "../../infra/support/aws-roles.ts";
import { refusal, regions } from "./support/access.ts";
import { type Document, isAllowed, parse, registryAccount } from "./support/oracle.ts";
import {
  publicScope,
  pullScope,
  pushScope,
  repository,
  roleSheet,
  sessionSheet,
  trustScope,
  trustSheet,
} from "./support/sessions.ts";
import type { Sheet } from "./support/sheet.ts";

const role = (permissions: "pull" | "push-pull"): Document =>
  parse(ecrRolePolicy({ ...pullScope, repositoryPrefix: "images", permissions }, regions));
const publicRole = (permissions: "pull" | "push-pull"): Document =>
  parse(publicRolePolicy({ ...pullScope, repositoryPrefix: "images", permissions }));

async function agrees(sheet: readonly Sheet[]): Promise<void> {
  expect(sheet.some(({ expected }) => expected)).toBe(true);
  for (const { question, expected } of sheet) {
    expect(await isAllowed(question), `${question.action} on ${question.resource}`).toBe(expected);
  }
}

describe("a session may use exactly its repository", () => {
  test.each([
    ["pull, whatever its role may", pullScope, undefined],
    ["push, whatever its role may", pushScope, undefined],
    ["pull, under the pull role", pullScope, role("pull")],
    ["pull, under the push role", pullScope, role("push-pull")],
    ["push, under the push role", pushScope, role("push-pull")],
  ])("%s", async (_name, scope, identity) => {
    await agrees(sessionSheet("ecr", scope, parse(ecrSessionPolicy(scope)), identity));
  });

  test.each([
    ["pull", "pull"],
    ["pull", "push-pull"],
    ["push-pull", "push-pull"],
  ] as const)("ECR Public: %s under the %s role", async (permissions, ofRole) => {
    const scope = { ...publicScope, permissions };
    const policy = parse(ecrPublicSessionPolicy(scope));
    await agrees(sessionSheet("ecr-public", scope, policy, publicRole(ofRole)));
    await agrees(sessionSheet("ecr-public", scope, policy));
  });

  test("a push session of the pull role may not push, nor leave the role's regions", async () => {
    const asked = {
      principal: `arn:aws:sts::${registryAccount}:assumed-role/images-pull/aws-123`,
      identityPolicy: role("pull"),
      sessionPolicy: parse(ecrSessionPolicy(pushScope)),
    };
    const here = repository("us-east-1", "images-app");
    expect(await isAllowed({ ...asked, action: "ecr:BatchGetImage", resource: here })).toBe(true);
    expect(await isAllowed({ ...asked, action: "ecr:PutImage", resource: here })).toBe(false);
    const elsewhere = repository("sa-east-1", "images-app");
    expect(await isAllowed({ ...asked, action: "ecr:BatchGetImage", resource: elsewhere })).toBe(false);
  });

  test.each(["pull", "push-pull"] as const)("%s: under 2,048 characters for every name", (permissions) => {
    const name = "a".repeat(256) as RoutableName;
    for (const partition of ["aws", "aws-cn", "aws-us-gov"]) {
      const scope = { partition, account: registryAccount, region: "us-gov-west-1", name, permissions };
      expect(ecrSessionPolicy(scope).length).toBeLessThan(1_100);
      expect(ecrPublicSessionPolicy(scope).length).toBeLessThan(1_100);
    }
  });

  test.each([
    ["ecr", ecrSessionPolicy, "pull"],
    ["ecr", ecrSessionPolicy, "push-pull"],
    ["ecr-public", ecrPublicSessionPolicy, "pull"],
    ["ecr-public", ecrPublicSessionPolicy, "push-pull"],
  ] as const)("%s: %s, and pulls from two others and no push there", async (service, policyOf, permissions) => {
    const alsoPull = ["images-base", "images-tools"] as RoutableName[];
    const sessionPolicy = parse(policyOf({ ...pullScope, permissions, alsoPull }));
    const may = (action: string, name: string) => {
      const principal = `arn:aws:sts::${registryAccount}:assumed-role/images-push/aws-123`;
      const resource = repository("us-east-1", name, registryAccount, service);
      return isAllowed({ principal, sessionPolicy, action: `${service}:${action}`, resource });
    };
    const uploads = ["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage"];
    const read = service === "ecr" ? ["BatchGetImage", "GetDownloadUrlForLayer"] : ["DescribeImages"];
    for (const name of ["images-app", ...alsoPull]) {
      for (const action of [...read, "BatchCheckLayerAvailability"])
        expect([name, await may(action, name)]).toEqual([name, true]);
      for (const action of uploads) {
        const expected = permissions === "push-pull" && name === "images-app";
        expect([name, action, await may(action, name)]).toEqual([name, action, expected]);
      }
      expect(await may("DeleteRepository", name)).toBe(false);
    }
    for (const name of ["images", "images-base2", "images-bas", "images-base/nested", "images-other"]) {
      for (const action of [...read, ...uploads]) expect([name, await may(action, name)]).toEqual([name, false]);
    }
  });

  test.each([
    ["pull", 80, 10],
    ["push-pull", 80, 10],
    ["pull", 256, 4],
    ["push-pull", 256, 3],
  ] as const)("%s: of names of %i characters, %i more fit", (permissions, length, fits) => {
    const scope = { ...pullScope, permissions, name: "a".repeat(length) as RoutableName };
    const names = (count: number) =>
      Array.from({ length: count }, (_, at) => `b${at}`.padEnd(length, "c") as RoutableName);
    expect(ecrSessionPolicy({ ...scope, alsoPull: names(fits) }).length).toBeLessThanOrEqual(2_048);
    if (fits === 10) return;
    for (const policyOf of [ecrSessionPolicy, ecrPublicSessionPolicy]) {
      const error = refusal(() => policyOf({ ...scope, alsoPull: names(fits + 1) }));
      expect(error).toMatchObject({ code: "INVALID_INPUT", retryable: false, context: { field: "alsoPull" } });
      expect(error.message).toMatch(/a session policy of 2\d\d\d characters, and AWS takes 2048\.$/);
    }
  });

  test("the last character that fits, and one more", () => {
    const filled = (last: number) => {
      const alsoPull = ["b".repeat(256), "c".repeat(256), "d".repeat(256), "e".repeat(last)] as RoutableName[];
      return ecrSessionPolicy({ ...pullScope, permissions: "push-pull", alsoPull });
    };
    const room = 2_048 - filled(1).length;
    expect(filled(1 + room)).toHaveLength(2_048);
    expect(refusal(() => filled(2 + room)).message).toContain("2049 characters");
  });

  test("refuses such a name among the further ones too", () => {
    for (const alsoPull of [["images-*"], ["images-base", ""]] as RoutableName[][]) {
      for (const policyOf of [ecrSessionPolicy, ecrPublicSessionPolicy]) {
        expect(refusal(() => policyOf({ ...pullScope, alsoPull })).context).toEqual({ field: "alsoPull" });
      }
    }
  });

  test.each(["images-*", "images-?", `images-${"$"}{aws:username}`, "", "images app"])(
    "refuses the name %j",
    (name) => {
      const scope = { ...pullScope, name: name as RoutableName };
      expect(refusal(() => ecrSessionPolicy(scope)).code).toBe("INVALID_INPUT");
      expect(refusal(() => ecrPublicSessionPolicy(scope)).code).toBe("INVALID_INPUT");
    },
  );
});

describe("the roles that sessions are made of", () => {
  test.each(["pull", "push-pull"] as const)("%s: the registry's repositories in its regions", async (permissions) => {
    await agrees(roleSheet(permissions, role(permissions)));
  });

  test("thirty regions fit an inline policy of IAM (10,240 characters)", () => {
    const many = Array.from({ length: 29 }, (_, index) => `ap-southeast-${index}`);
    const scope = { ...pullScope, repositoryPrefix: "a".repeat(64), permissions: "push-pull" } as const;
    expect(ecrRolePolicy(scope, ["ap-northeast-1", ...many]).length).toBeLessThan(10_240);
  });

  test("only the functions' own roles may assume them", async () => {
    await agrees(trustSheet(parse(trustPolicy(trustScope))));
  });

  test.each([
    [[]],
    [["arn:aws:iam::999999999999:role/*"]],
    [["arn:aws:iam::111111111111:role/images-platform"]],
    [["arn:aws-cn:iam::999999999999:role/images-platform"]],
    [["arn:aws:iam::999999999999:root"]],
  ])("refuses to trust %j", (functionRoleArns) => {
    expect(refusal(() => trustPolicy({ ...trustScope, functionRoleArns })).code).toBe("INVALID_INPUT");
  });
});
