import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { doorNames } from "../../core/doors.ts";
import { type ErrorCode, statusOf } from "../../core/errors.ts";
import { setupEventType } from "../../core/events.ts";
import { attributes, keyAttribute } from "../../functions/aws/lease/item.ts";
import { ownershipTagKey, regionsTagKey } from "../../functions/aws/names.ts";
import { ecrRolePolicy, roleName, trustPolicy } from "../../functions/aws/policy/roles.ts";
import { repositoryActions } from "../../functions/aws/policy/session.ts";
import { allowedActions, blanksOf, doorPolicies, policyNames, read, readAll, renderPolicy } from "./support/module.ts";

const errorCodes = Object.keys(statusOf) as ErrorCode[];
const account = "111122223333";
const scope = { partition: "aws", account, repositoryPrefix: "acme-images" };
const arns = (service: string, regions: readonly string[]) =>
  regions.flatMap((region) =>
    ["", "-*"].map((end) => `arn:aws:${service}:${region}:${account}:repository/acme-images${end}`),
  );
const standIns = (blank: string) => [blank, ["actions", "uploads"].includes(blank) ? "ecr:PutImage" : "arn"];
const filled = (name: string) => renderPolicy(name, Object.fromEntries(blanksOf(name).map(standIns)));
const actionsOf = (door: string) => (doorPolicies[door] ?? []).flatMap((name) => allowedActions(filled(name)));

describe("what the module and provisionRegistry make alike", () => {
  test.each(["pull", "push-pull"] as const)("the policy of a role for %s", (permissions) => {
    const regions = ["us-east-1", "eu-west-1"] as const;
    expect(
      renderPolicy(permissions === "pull" ? "ecr-minting" : "ecr-minting-push", {
        actions: repositoryActions.ecr.pull,
        uploads: repositoryActions.ecr.push,
        repositories: arns("ecr", [...regions].sort()),
        repositories_home: arns("ecr", ["us-east-1"]),
      }),
    ).toEqual(JSON.parse(ecrRolePolicy({ ...scope, permissions }, regions)));
  });

  test("the actions of the roles", () => {
    const actions = JSON.parse(read("infra/aws/policies/actions.json"));
    for (const service of ["ecr", "ecr-public"] as const) {
      const { pull, push } = actions[service];
      expect(pull).toEqual(repositoryActions[service].pull);
      expect([...pull, ...push]).toEqual(repositoryActions[service]["push-pull"]);
    }
  });

  test("whom the roles trust", () => {
    const functionRoleArns = ["invoke", "oidc"].map((door) => `arn:aws:iam::${account}:role/acme-${door}`);
    expect(
      renderPolicy("minting-trust", {
        account_root: `arn:aws:iam::${account}:root`,
        minting_functions: functionRoleArns,
      }),
    ).toEqual(JSON.parse(trustPolicy({ partition: "aws", account, functionRoleArns })));
  });

  // The same names stand in infra/aws/tests/registries.tftest.hcl.
  test.each([
    ["acme-images", "acme-images-pull"],
    ["team/images", `team-images-pull-${hash("team/images")}-pull`],
    [
      "a-prefix-that-is-much-too-long-for-the-name-of-a-role-in-iam",
      `a-prefix-that-is-much-too-long-for-the-${hash("a-prefix-that-is-much-too-long-for-the-name-of-a-role-in-iam")}-pull`,
    ],
  ])("the name of the pull role of %s", (prefix, name) => {
    expect(roleName(prefix, "pull")).toBe(name);
  });
});

describe("what the module sets is what the functions read", () => {
  const module = readAll("infra/aws", ".tf").join("\n");
  const sources = [...readAll("core", ".ts"), ...readAll("functions/aws", ".ts")].join("\n");

  test("variables", () => {
    const set = new Set(module.match(/ALIEN_[A-Z]+(?:_[A-Z]+)*(?= *=)/g));
    expect(set.size).toBeGreaterThan(6);
    for (const name of set) expect(sources, name).toContain(name);
  });

  test("the doors", () => {
    expect(Object.keys(doorPolicies).sort()).toEqual(doorNames.filter((name) => name !== "local").sort());
  });

  test("the table of leases", () => {
    const table = read("infra/aws/lease.tf");
    expect(/hash_key\s*=\s*"(\w+)"/.exec(table)?.[1]).toBe(keyAttribute);
    expect(/attribute_name\s*=\s*"(\w+)"/.exec(table)?.[1]).toBe(attributes.expiresAt);
  });

  test("the tags", () => {
    const tags = new Set(module.match(/(?<=")alien:[a-z:-]+(?=")/g));
    expect([...tags].sort()).toEqual([ownershipTagKey, regionsTagKey]);
    const conditions = readAll("infra/aws/policies", ".tftpl")
      .join("\n")
      .match(/(?<=Tag\/)[^"]+/g);
    expect(new Set(conditions)).toEqual(new Set([ownershipTagKey]));
  });

  test("the type of set-up events", () => {
    expect(read("infra/aws/events.tf")).toContain(`"${setupEventType}"`);
  });
});

describe("the policies of the doors", () => {
  test("every file is used, and every door's are there", () => {
    const module = readAll("infra/aws", ".tf").join("\n");
    const named = new Set(Object.values(doorPolicies).flat());
    for (const name of named) expect(policyNames).toContain(name);
    const others = policyNames.filter((name) => !named.has(name));
    for (const name of others) expect(module, name).toMatch(new RegExp(`"${name}"|/${name}\\.json|-minting\\.json`));
  });

  test("no action is left open, and * is the resource of none that knows another", () => {
    for (const name of policyNames) {
      const policy = filled(name);
      expect(policy.Version).toBe("2012-10-17");
      expect(allowedActions(policy).filter((action) => !/^[a-z-]+:[A-Za-z]+$/.test(action))).toEqual([]);
      const open = policy.Statement.filter(({ Effect, Resource }) => Effect === "Allow" && Resource === "*");
      const known =
        /:(?:GetAuthorizationToken|GetServiceBearerToken|DescribeRegistry|PutReplicationConfiguration|StartReplicationBackfill|PutTraceSegments|PutTelemetryRecords)$/;
      expect(open.flatMap(({ Action }) => Action).filter((action) => !known.test(action))).toEqual([]);
    }
  });

  test("whatever the code calls is allowed to a door, and nothing else is", () => {
    const called = new Set(readAll("functions/aws", ".ts").flatMap(commandsOf));
    // It needs no permission; and a token is asked for by a session of a pull or push role.
    for (const free of ["sts:GetCallerIdentity", "ecr:GetAuthorizationToken"]) {
      expect(called.delete(free)).toBe(true);
    }
    const implied = {
      "ecr:CreateRepository": ["ecr:TagResource", "kms:CreateGrant", "kms:DescribeKey"],
      "ecr:DeleteRepository": ["kms:RetireGrant"],
      "ecr:PutReplicationConfiguration": ["iam:CreateServiceLinkedRole"],
      "ecr-public:CreateRepository": ["ecr-public:TagResource"],
      "iam:CreateRole": ["iam:TagRole"],
    };
    for (const [action, more] of Object.entries(implied)) {
      expect(called).toContain(action);
      for (const each of more) called.add(each);
    }
    // What Lambda itself does in the function's name.
    const byLambda = ["logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"];
    // What SQS and DynamoDB do under a key of the operator's.
    const byKeys = ["kms:Decrypt", "kms:GenerateDataKey"];
    const byMapping = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
    const allowed = new Set(Object.keys(doorPolicies).flatMap(actionsOf));
    expect([...allowed].sort()).toEqual([...called, ...byLambda, ...byMapping, ...byKeys].sort());
  });

  test("only who mints may assume roles, and only provisioning may change IAM", () => {
    const having = (pattern: RegExp) =>
      Object.keys(doorPolicies).filter((door) => actionsOf(door).some((action) => pattern.test(action)));
    expect(having(/^sts:/).sort()).toEqual(["invoke", "oidc", "platform"]);
    expect(having(/^iam:/)).toEqual(["provision"]);
    expect(having(/^sqs:/)).toEqual(["events"]);
    expect(having(/:DeleteRepository$/)).not.toContain("events");
  });
});

test("alarms ring for every outcome that no caller is to blame for, and for no other", () => {
  const alarms = read("infra/aws/alarms.tf");
  const codesIn = (list: string) =>
    (new RegExp(`\\b${list} += \\[(.*)\\]`).exec(alarms)?.[1] ?? "").match(/[A-Z_]+/g) ?? [];
  // A binding that is wrong is the operator's, and a time-out the platform's; what a platform cannot do is no fault of it.
  const ours = errorCodes.filter((code) => statusOf[code] >= 500 && code !== "OPERATION_NOT_SUPPORTED");
  const expected = [...ours, "BINDING_CONFIG_INVALID", "TIMEOUT"].sort();
  expect([...codesIn("faults"), ...codesIn("outages")].sort()).toEqual(expected);
});

function hash(prefix: string): string {
  return createHash("sha256").update(prefix).digest("hex").slice(0, 20);
}

/** The actions that a source file sends, told by what it imports from the SDK. */
function commandsOf(source: string): string[] {
  return [...source.matchAll(/import (?:type )?\{([^}]*)\}\s*from "@aws-sdk\/client-([a-z-]+)"/g)]
    .concat([...source.matchAll(/const \{([^}]*)\} = await import\("@aws-sdk\/client-([a-z-]+)"\)/g)])
    .concat([...source.matchAll(/const \[\{([^}]*)\}[^;]*import\("@aws-sdk\/client-([a-z-]+)"\)/g)])
    .flatMap(([, names = "", service]) =>
      [...names.matchAll(/(\w+)Command\b/g)].map(([, action]) => `${service}:${action}`),
    );
}
