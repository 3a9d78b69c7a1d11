import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Unmanaged } from "../../../core/schemas.ts";
import { type GrantSet, grantsOf } from "../../../functions/aws/grants/grant.ts";
import { stillLetIn, unmanagedIn } from "../../../functions/aws/policy/unmanaged.ts";
import { access, aws, readPolicy } from "./support/access.ts";
import { isAllowed, registryAccount } from "./support/oracle.ts";
import { type Json, ourAccounts, ourWorkers, policy, pull } from "./support/statements.ts";

const [A, B] = ["111111111111", "222222222222"];
const resource = `arn:aws:ecr:us-east-1:${registryAccount}:repository/images-app`;
const root = (account: string) => `arn:aws:iam::${account}:root`;
const role = (account: string, name = "app") => `arn:aws:iam::${account}:role/${name}`;
const session = `arn:aws:sts::${A}:assumed-role/app/one`;
const user = `arn:aws:iam::${A}:user/ci`;
const functionOf = (account: string) => `arn:aws:lambda:us-east-1:${account}:function:app`;

const listed = (...statements: Json[]) => unmanagedIn(readPolicy(policy(...statements), aws));
const allow = (rest: Json): Json => ({ Effect: "Allow", Principal: { AWS: root(A) }, ...rest });

describe("a foreign statement that lets somebody pull is listed", () => {
  test("by its place where it has no Sid, with whom it lets in and what it allows", () => {
    const statements = [
      ourAccounts,
      { Sid: "Audit", ...allow({ Action: "ecr:DescribeImages" }) },
      allow({ Action: ["ecr:BatchGetImage"] }),
      { Sid: "Partner", ...allow({ Action: "ecr:*", Condition: { StringEquals: { "aws:PrincipalOrgID": "o-1" } } }) },
    ];
    expect(listed(...statements)).toEqual([
      { statement: "statement 3", principals: [root(A)], actions: ["ecr:BatchGetImage"], conditional: false },
      { statement: "Partner", principals: [root(A)], actions: ["ecr:*"], conditional: true },
    ]);
  });

  test.each<[string, Json]>([
    ["one action of a pull", { Action: "ecr:GetDownloadUrlForLayer" }],
    ["in other letters", { Action: "ECR:batchgetimage" }],
    ["everything", { Action: "*" }],
    ["everything of ECR", { Action: ["ecr:*"] }],
    ["a part of it", { Action: ["ecr:DescribeImages", "ecr:Batch*"] }],
    ["one letter open", { Action: "ecr:BatchGet?mage" }],
    ["all but something else", { NotAction: ["ecr:PutImage"] }],
    ["all but the half of a pull", { NotAction: ["ecr:BatchGetImage", "ecr:Set*"] }],
    ["the right to write the policy, which lets in whom it likes", { Action: "ecr:SetRepositoryPolicy" }],
    ["an action that cannot be read", { Action: [1] }],
  ])("%s", (_name, what) => {
    expect(listed(allow(what)).length).toBe(1);
  });

  test.each<[string, Json]>([
    ["looking", { Action: ["ecr:DescribeImages", "ecr:ListImages", "ecr:BatchCheckLayerAvailability"] }],
    ["pushing", { Action: ["ecr:PutImage", "ecr:*LayerUpload", "ecr:UploadLayerPart"] }],
    ["all but a pull", { NotAction: ["ecr:Batch*", "ecr:Get*", "ecr:Set*"] }],
    ["another service", { Action: ["s3:*", "ecr-public:*"] }],
    ["a dot is no wildcard", { Action: "ecr.BatchGetImage" }],
    ["only somebody who is gone", { Principal: { AWS: "AROAEXAMPLEEXAMPLE123" }, Action: "ecr:*" }],
    ["a denial", { Effect: "Deny", Action: "ecr:*" }],
  ])("and not for %s", (_name, what) => {
    expect(listed(allow(what))).toEqual([]);
  });

  test.each<[string, Json, Partial<Unmanaged>]>([
    ["everybody", { Principal: "*" }, { principals: ["*"] }],
    ["everybody, in a list", { Principal: { AWS: ["*", root(A)] } }, { principals: ["*", root(A)] }],
    ["a user and a session", { Principal: { AWS: [user, session] } }, { principals: [user, session] }],
    [
      "services and identity providers",
      { Principal: { Service: "lambda.amazonaws.com", Federated: ["accounts.google.com"] } },
      { principals: ["lambda.amazonaws.com", "accounts.google.com"] },
    ],
    ["nobody who is gone", { Principal: { AWS: ["AIDAEXAMPLEEXAMPLE123", user] } }, { principals: [user] }],
    ["all but one", { Principal: undefined, NotPrincipal: { AWS: root(B) } }, { principals: ["*"], unreadable: true }],
    ["a number", { Principal: { AWS: 5 } }, { principals: [], unreadable: true }],
    ["no one at all", { Principal: undefined }, { principals: [], unreadable: true }],
    ["an effect that is none", { Effect: "Permit" }, { unreadable: true }],
    ["all but some actions", { Action: undefined, NotAction: "s3:*" }, { actions: ["*"], unreadable: true }],
    ["one resource", { Resource: "arn:aws:ecr:*:*:repository/other" }, { unreadable: true }],
    ["a condition without a key", { Condition: {} }, { conditional: false }],
    ["a condition that is none", { Condition: "sometimes" }, { conditional: true, unreadable: true }],
  ])("says what it can of: %s", (_name, what, expected) => {
    const plain = { statement: "statement 1", principals: [root(A)], actions: ["ecr:*"], conditional: false };
    const statement = JSON.parse(JSON.stringify(allow({ Action: "ecr:*", ...what })));
    expect(listed(statement)).toEqual([{ ...plain, ...expected }]);
  });
});

describe("after a revocation, those that concern whom it named", () => {
  const toAccount = access({ accountIds: [A] });
  const toRole = access({ roleArns: [role(A)] });
  const inRegion = access({ accountIds: [A], regions: ["us-east-1"], allowedServiceTypes: ["worker"] });
  const of = (operator: string, key: string, ...values: string[]) => ({ Condition: { [operator]: { [key]: values } } });
  const service = { Principal: { Service: "lambda.amazonaws.com" } };

  /** For each statement: whether it concerns account A, and the role `app` in it. */
  test.each<[string, Json, boolean, boolean]>([
    ["the account", {}, true, true],
    ["the account's id", { Principal: { AWS: A } }, true, true],
    ["the role", { Principal: { AWS: role(A) } }, true, true],
    ["a session of the role", { Principal: { AWS: session } }, true, true],
    ["another role of the account", { Principal: { AWS: role(A, "ci") } }, true, false],
    ["a session of another role", { Principal: { AWS: session.replace("app", "ci") } }, true, false],
    ["a user of the account", { Principal: { AWS: user } }, true, false],
    ["another account", { Principal: { AWS: [root(B), role(B)] } }, false, false],
    ["everybody", { Principal: "*" }, true, true],
    ["everybody in a list", { Principal: { AWS: [root(B), "*"] } }, true, true],
    ["all but somebody", { Principal: undefined, NotPrincipal: { AWS: root(B) } }, true, true],
    ["a canonical user, who may be anybody", { Principal: { CanonicalUser: "79a59df900b949e5" } }, true, true],
    ["a provider of the account", { Principal: { Federated: `arn:aws:iam::${A}:saml-provider/x` } }, true, false],
    ["a provider of nobody", { Principal: { Federated: "accounts.google.com" } }, false, false],
    ["a service, for whomever", service, true, false],
    ["a service, for the account", { ...service, ...of("ArnLike", "aws:SourceArn", functionOf(A)) }, true, false],
    ["a service, for another", { ...service, ...of("StringLike", "AWS:sourceArn", functionOf(B)) }, false, false],
    ["a service, for any", { ...service, ...of("ArnLike", "aws:SourceArn", functionOf("*")) }, true, false],
    [
      "a service, for any like it",
      { ...service, ...of("ArnLike", "aws:SourceArn", functionOf("11111*")) },
      true,
      false,
    ],
    ["a service, for others by id", { ...service, ...of("StringEquals", "aws:SourceAccount", B) }, false, false],
    ["a service, for all but another", { ...service, ...of("StringNotEquals", "aws:SourceAccount", B) }, true, false],
    ["a service, if it says so", { ...service, ...of("StringEqualsIfExists", "aws:SourceAccount", B) }, true, false],
    [
      "everybody of another account",
      { Principal: "*", ...of("StringEquals", "aws:PrincipalAccount", B) },
      false,
      false,
    ],
    ["everybody of both", { Principal: "*", ...of("StringEquals", "aws:PrincipalAccount", A, B) }, true, true],
    [
      "everybody of an organisation",
      { Principal: "*", ...of("StringEquals", "aws:PrincipalOrgID", "o-1") },
      true,
      true,
    ],
  ])("%s", (_name, what, account, one) => {
    const read = readPolicy(policy(JSON.parse(JSON.stringify(allow({ Action: "ecr:*", ...what })))), aws);
    const concerns = [toAccount, inRegion, toRole].map((value) => stillLetIn(read, value).length === 1);
    expect(concerns).toEqual([account, account, one]);
  });
});

// What a principal of another account is asked about, and how policies name it.
interface Asker {
  readonly principal: string;
  readonly names: readonly string[];
  readonly context: Record<string, string>;
  readonly grant: (grants: GrantSet) => boolean;
}

const person = (principal: string, account: string, roleArn?: string): Asker => ({
  principal,
  names: [principal, account, root(account), ...(roleArn ? [roleArn] : [])],
  context: { "aws:PrincipalAccount": account, "aws:PrincipalOrgID": "o-1" },
  grant: ({ accounts, roles }) => accounts.includes(account) || (roleArn !== undefined && roles.includes(roleArn)),
});
const askers: readonly Asker[] = [
  person(role(A), A, role(A)),
  person(session, A, role(A)),
  person(user, A),
  person(role(B), B, role(B)),
  ...[A, B].map((account) => ({
    principal: "lambda.amazonaws.com",
    names: ["lambda.amazonaws.com"],
    context: { "aws:SourceArn": functionOf(account), "aws:SourceAccount": account },
    grant: (grants: GrantSet) =>
      grantsOf(grants).some((grant) => grant.kind === "worker" && grant.accountId === account),
  })),
  { principal: "ecs-tasks.amazonaws.com", names: ["ecs-tasks.amazonaws.com"], context: {}, grant: () => false },
  { principal: "anonymous", names: [], context: {}, grant: () => false },
];

const covers = ({ principals, unreadable }: Unmanaged, { names }: Asker) =>
  unreadable === true || principals.some((name) => name === "*" || names.includes(name));

const someOf = (...values: string[]) => fc.subarray(values, { minLength: 1 });
const anyPrincipal: fc.Arbitrary<Json> = fc.oneof(
  fc.constant({ Principal: "*" }),
  someOf(A, root(A), role(A), user, session, root(B), "*").map((AWS) => ({ Principal: { AWS } })),
  someOf("lambda.amazonaws.com", "ecs-tasks.amazonaws.com").map((Service) => ({ Principal: { Service } })),
  fc.constant({ Principal: { AWS: root(B), Service: "lambda.amazonaws.com" } }),
  fc.constant({ NotPrincipal: { AWS: [root(B)] } }),
);
const patterns = ["ecr:*", "ecr:Batch*", "*", "ecr:Get*", "ecr:batchget?mage", "ecr:*Image", "ecr:PutImage"];
const anyAction: fc.Arbitrary<Json> = fc.oneof(
  someOf(...pull, ...patterns, "ecr:SetRepositoryPolicy", "ecr:DescribeImages").map((Action) => ({ Action })),
  fc.constant({ Action: pull }),
  someOf(...patterns, ...pull).map((NotAction) => ({ NotAction })),
);
const anyCondition: fc.Arbitrary<Json> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  fc.constantFrom(
    { Condition: { StringEquals: { "aws:PrincipalOrgID": "o-1" } } },
    { Condition: { StringEquals: { "aws:PrincipalAccount": [A] } } },
    { Condition: { ArnLike: { "aws:SourceArn": [`arn:aws:lambda:*:${A}:function:*`] } } },
    { Condition: { StringNotLike: { "aws:SourceAccount": [B] } } },
  ),
);
const anyStatement: fc.Arbitrary<Json> = fc
  .tuple(
    fc.constantFrom({}, { Sid: "Theirs" }, { Sid: "ArtifactRegistryAccounts" }, { Sid: "CrossAccountRolePermission" }),
    fc.constantFrom("Allow", "Allow", "Allow", "Deny"),
    anyPrincipal,
    anyAction,
    anyCondition,
  )
  .map(([sid, Effect, ...parts]) => Object.assign({ ...sid, Effect }, ...parts));
const anyDocument = fc.array(fc.oneof(anyStatement, fc.constantFrom(ourAccounts, ourWorkers)), {
  minLength: 1,
  maxLength: 3,
});

const may = ({ principal, context }: Asker, action: string, document: string) =>
  isAllowed({ principal, action, resource, context, resourcePolicy: JSON.parse(document) });

describe("an independent evaluator of IAM policies agrees", () => {
  test("whoever of another account may pull is granted, or listed", async () => {
    await fc.assert(
      fc.asyncProperty(anyDocument, async (statements) => {
        const document = policy(...statements);
        const read = readPolicy(document, aws);
        const entries = unmanagedIn(read);
        for (const asker of askers) {
          if (asker.grant(read.grants) || entries.some((entry) => covers(entry, asker))) continue;
          for (const action of pull.slice(0, 2)) expect(await may(asker, action, document)).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("what is listed without a condition lets somebody in", async () => {
    await fc.assert(
      fc.asyncProperty(anyStatement, async (statement) => {
        const document = policy(statement);
        const [entry] = unmanagedIn(readPolicy(document, aws));
        if (entry === undefined || entry.conditional || entry.unreadable) return;
        const verdicts = askers
          .filter((asker) => covers(entry, asker))
          .flatMap((asker) =>
            [...pull.slice(0, 2), "ecr:SetRepositoryPolicy"].map((action) => may(asker, action, document)),
          );
        expect(await Promise.all(verdicts)).toContain(true);
      }),
      { numRuns: 200 },
    );
  });

  test("whoever may still pull by a foreign statement after a revocation is told", async () => {
    await fc.assert(
      fc.asyncProperty(anyStatement, async (statement) => {
        const document = policy({ ...statement, Sid: "Theirs" });
        const told = stillLetIn(readPolicy(document, aws), access({ accountIds: [A] }));
        if (told.length > 0) return;
        for (const asker of askers.filter(
          ({ names, context }) => names.includes(A) || context["aws:SourceAccount"] === A,
        )) {
          for (const action of pull.slice(0, 2)) expect(await may(asker, action, document)).toBe(false);
        }
      }),
      { numRuns: 200 },
    );
  });
});
