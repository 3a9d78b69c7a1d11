import { DescribeRepositoriesCommand } from "@aws-sdk/client-ecr";
import { CreateRoleCommand } from "@aws-sdk/client-iam";
import { AssumeRoleCommand, type AssumeRoleCommandInput, GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { seededBytes } from "../../oci/client/images.ts";
import { expectLifetime } from "../../support/lifetime.ts";
import { type SdkCredentials, startAwsEmulator } from "./index.ts";
import { allow, assume, clients, HOME, OTHER, policy, refused, useEmulator } from "./support.ts";

const aws = useEmulator();
let functionRole = "";
let pullRole = "";
let caller: SdkCredentials;
beforeAll(() => {
  functionRole = aws().role(HOME, "function");
  caller = aws().credentialsFor(functionRole);
  pullRole = aws().role(HOME, "pull", {
    trust: { Effect: "Allow", Principal: { AWS: functionRole }, Action: "sts:AssumeRole" },
    policies: allow("ecr:*"),
    maxSessionDuration: 7200,
  });
});

const ask = (input: Partial<AssumeRoleCommandInput>, as: SdkCredentials = caller) =>
  clients(aws(), as).sts.send(new AssumeRoleCommand({ RoleArn: pullRole, RoleSessionName: "session", ...input }));

describe("AssumeRole", () => {
  test("gives a session that is who it says, for as long as it says", async () => {
    let answer: Awaited<ReturnType<typeof ask>> | undefined;
    await expectLifetime(900, async () => {
      answer = await ask({ DurationSeconds: 900, RoleSessionName: "alice@images" });
      return answer.Credentials?.Expiration;
    });
    expect(answer?.AssumedRoleUser).toEqual({
      Arn: `arn:aws:sts::${HOME}:assumed-role/pull/alice@images`,
      AssumedRoleId: expect.stringMatching(/^AROA[A-Z2-7]{17}:alice@images$/),
    });
    const session = await assume(aws(), caller, { RoleArn: pullRole });
    const identity = await clients(aws(), session).sts.send(new GetCallerIdentityCommand({}));
    expect(identity.Arn).toBe(`arn:aws:sts::${HOME}:assumed-role/pull/session`);
  });

  test("refuses who is not trusted, and a role that is not there, in the same words", async () => {
    const stranger = aws().credentialsFor(aws().role(HOME, "stranger", { policies: allow("sts:AssumeRole") }));
    const foreigner = aws().credentialsFor(aws().role(OTHER, "foreigner", { policies: allow("sts:AssumeRole") }));
    for (const as of [stranger, foreigner]) {
      expect(await refused(ask({}, as))).toMatchObject({ name: "AccessDenied", status: 403 });
    }
    const { message } = await refused(ask({ RoleArn: `arn:aws:iam::${HOME}:role/nobody` }));
    expect(message).toMatch(
      /^User: arn:aws:sts::\d+:assumed-role\/function\/function is not authorized to perform: sts:AssumeRole/,
    );
  });

  test("across accounts needs both sides", async () => {
    const trust = { Effect: "Allow", Principal: { AWS: OTHER }, Action: "sts:AssumeRole" } as const;
    const RoleArn = aws().role(HOME, "shared", { trust });
    const allowed = aws().credentialsFor(aws().role(OTHER, "allowed", { policies: allow("sts:AssumeRole", RoleArn) }));
    const bare = aws().credentialsFor(aws().role(OTHER, "bare"));
    await ask({ RoleArn }, allowed);
    expect((await refused(ask({ RoleArn }, bare))).name).toBe("AccessDenied");
  });

  test("looks at the trust policy's conditions", async () => {
    const Condition = { StringEquals: { "sts:ExternalId": "right" } };
    const trust = { Effect: "Allow", Principal: { AWS: functionRole }, Action: "sts:AssumeRole", Condition } as const;
    const RoleArn = aws().role(HOME, "external", { trust });
    await ask({ RoleArn, ExternalId: "right" });
    expect((await refused(ask({ RoleArn, ExternalId: "wrong" }))).name).toBe("AccessDenied");
    expect((await refused(ask({ RoleArn }))).name).toBe("AccessDenied");
  });

  test.each(["a", "a/b", "a b", "x".repeat(65), "ä.b"])("refuses the session name %s", async (RoleSessionName) => {
    expect((await refused(ask({ RoleSessionName }))).name).toBe("ValidationError");
  });
});

describe("the duration", () => {
  const alice = () => aws().userCredentials(HOME, "alice", allow("sts:AssumeRole"));
  const open = (maxSessionDuration: number) =>
    aws().role(HOME, `open-${maxSessionDuration}`, {
      trust: { Effect: "Allow", Principal: { AWS: HOME }, Action: "sts:AssumeRole" },
      maxSessionDuration,
    });

  test("lies between 900 and 43,200 seconds", async () => {
    await ask({ DurationSeconds: 900 });
    await ask({ RoleArn: open(43_200), DurationSeconds: 43_200 }, alice());
    for (const DurationSeconds of [899, 43_201]) {
      expect((await refused(ask({ DurationSeconds }))).name).toBe("ValidationError");
    }
  });

  test("is an hour at most when roles are chained, whatever the role allows", async () => {
    await ask({ DurationSeconds: 3600 });
    expect(await refused(ask({ DurationSeconds: 3601 }))).toMatchObject({
      name: "ValidationError",
      message: "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
    });
  });

  test("is the role's maximum at most", async () => {
    const RoleArn = open(7200);
    await ask({ RoleArn, DurationSeconds: 7200 }, alice());
    expect(await refused(ask({ RoleArn, DurationSeconds: 7201 }, alice()))).toMatchObject({
      name: "ValidationError",
      message: "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    });
  });

  test("ends the session", async () => {
    const session = await assume(aws(), caller, { RoleArn: pullRole, DurationSeconds: 900 });
    await clients(aws(), session).ecr.send(new DescribeRepositoriesCommand({}));
    aws().advance(900_000);
    expect((await refused(clients(aws(), session).ecr.send(new DescribeRepositoriesCommand({})))).name).toBe(
      "ExpiredTokenException",
    );
  });
});

describe("the session policy", () => {
  const only = (Resource: string, Sid = "") => policy({ Sid, ...allow("ecr:DescribeRepositories", Resource) });

  test("narrows what the role may", async () => {
    const mine = `arn:aws:ecr:us-east-1:${HOME}:repository/mine`;
    const session = await assume(aws(), caller, { RoleArn: pullRole, Policy: only(mine) });
    const describeOne = (name: string) =>
      refused(clients(aws(), session).ecr.send(new DescribeRepositoriesCommand({ repositoryNames: [name] })));
    expect((await describeOne("mine")).name).toBe("RepositoryNotFoundException");
    expect((await describeOne("other")).name).toBe("AccessDeniedException");
  });

  test("never widens it", async () => {
    const RoleArn = aws().role(HOME, "nothing", {
      trust: { Effect: "Allow", Principal: { AWS: functionRole }, Action: "sts:AssumeRole" },
    });
    const session = await assume(aws(), caller, { RoleArn, Policy: only("*") });
    const list = clients(aws(), session).ecr.send(new DescribeRepositoriesCommand({}));
    expect((await refused(list)).name).toBe("AccessDeniedException");
  });

  test("has 2,048 characters at most", async () => {
    const filled = (length: number) => only("*", "x".repeat(length - only("*").length));
    expect((await ask({ Policy: filled(2048) })).PackedPolicySize).toBeGreaterThan(0);
    expect((await refused(ask({ Policy: filled(2049) }))).name).toBe("ValidationError");
  });

  test("is packed, and then may be too large although it is short enough", async () => {
    const noise = seededBytes("noise", 1300).toString("base64url");
    const scrambled = only(`arn:aws:ecr:us-east-1:${HOME}:repository/${noise}`);
    expect((await refused(ask({ Policy: scrambled }))).name).toBe("PackedPolicyTooLargeException");
  });

  test.each(["{", policy({ Effect: "Allow", Action: "ecr:*" }), policy({ ...allow("ecr:*"), Effect: "Maybe" })])(
    "is refused when it is malformed: %s",
    async (Policy) => {
      expect((await refused(ask({ Policy }))).name).toBe("MalformedPolicyDocumentException");
    },
  );
});

test("a role that was just created is seen late", async () => {
  const late = await startAwsEmulator({ accounts: [HOME], roleDelay: { looks: 2 } });
  onTestFinished(() => late.stop());
  const AssumeRolePolicyDocument = policy({ Effect: "Allow", Principal: { AWS: HOME }, Action: "sts:AssumeRole" });
  const { Role } = await clients(late).iam.send(new CreateRoleCommand({ RoleName: "new", AssumeRolePolicyDocument }));
  const attempt = () => assume(late, late.admin(), { RoleArn: Role?.Arn ?? "" });
  expect((await refused(attempt())).name).toBe("AccessDenied");
  expect((await refused(attempt())).name).toBe("AccessDenied");
  await attempt();
});
