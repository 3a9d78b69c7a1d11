import {
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeRepositoriesCommand,
  GetAuthorizationTokenCommand,
  SetRepositoryPolicyCommand,
} from "@aws-sdk/client-ecr";
import { CreateRoleCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { describe, expect, test } from "vitest";
import { type RoleSeed, replayCall } from "./index.ts";
import { allow, clients, HOME, OTHER, policy, refused, useEmulator } from "./support.ts";

const aws = useEmulator();
let count = 0;
const as = (policies?: RoleSeed["policies"], seed: RoleSeed = {}, account = HOME) =>
  clients(
    aws(),
    aws().credentialsFor(aws().role(account, `role-${++count}`, { ...seed, ...(policies && { policies }) })),
  );
const admin = () => clients(aws());
const create = (repositoryName: string, tags: Record<string, string> = {}) =>
  new CreateRepositoryCommand({ repositoryName, tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) });
const arn = (name: string) => `arn:aws:ecr:us-east-1:${HOME}:repository/${name}`;

describe("a caller's own policies", () => {
  test("nothing is allowed by default, and the message says what is missing", async () => {
    const { name, message, status } = await refused(as().ecr.send(create("images-none")));
    expect([name, status]).toEqual(["AccessDeniedException", 400]);
    expect(message).toMatch(
      /^User: arn:aws:sts::111122223333:assumed-role\/role-\d+\/function is not authorized to perform: ecr:CreateRepository on resource: arn:aws:ecr:us-east-1:111122223333:repository\/images-none/,
    );
    const iam = await refused(as().iam.send(new CreateRoleCommand({ RoleName: "x", AssumeRolePolicyDocument: "{}" })));
    expect(iam).toMatchObject({ name: "AccessDenied", status: 403 });
  });

  test("an action on another name, in another region, of another kind is refused", async () => {
    const { ecr } = as(allow("ecr:CreateRepository", arn("images-*")));
    await ecr.send(create("images-mine"));
    expect((await refused(ecr.send(create("builds-mine")))).name).toBe("AccessDeniedException");
    expect((await refused(ecr.send(new DeleteRepositoryCommand({ repositoryName: "images-mine" })))).name).toBe(
      "AccessDeniedException",
    );
    const session = aws().credentialsFor(aws().role(HOME, "regional", { policies: allow("ecr:*", arn("images-*")) }));
    const elsewhere = clients(aws(), session, "eu-west-1").ecr.send(create("images-there"));
    expect((await refused(elsewhere)).name).toBe("AccessDeniedException");
  });

  test("a list of everything needs everything", async () => {
    const { ecr } = as(allow("ecr:DescribeRepositories", arn("images-*")));
    expect((await refused(ecr.send(new DescribeRepositoriesCommand({})))).name).toBe("AccessDeniedException");
    await as(allow("ecr:DescribeRepositories", arn("*"))).ecr.send(new DescribeRepositoriesCommand({}));
  });

  test("a token needs the resource *", async () => {
    const narrow = as(allow("ecr:GetAuthorizationToken", arn("*"))).ecr.send(new GetAuthorizationTokenCommand({}));
    expect((await refused(narrow)).name).toBe("AccessDeniedException");
    await as(allow("ecr:GetAuthorizationToken")).ecr.send(new GetAuthorizationTokenCommand({}));
  });

  test("an explicit deny wins", async () => {
    const deny = { ...allow("ecr:CreateRepository"), Effect: "Deny" as const };
    const { message } = await refused(as([allow("*"), deny]).ecr.send(create("images-denied")));
    expect(message).toContain("explicit deny");
  });

  test("a boundary bounds", async () => {
    const permissionsBoundary = aws().managedPolicy(HOME, "ecr-read", allow("ecr:Describe*"));
    const { ecr } = as(allow("*"), { permissionsBoundary });
    await ecr.send(new DescribeRepositoriesCommand({}));
    expect((await refused(ecr.send(create("images-beyond")))).name).toBe("AccessDeniedException");
  });
});

describe("conditions", () => {
  test("on the tags of a request, and a create with tags needs TagResource", async () => {
    const condition = { StringEquals: { "aws:RequestTag/owner": "suite" } };
    const { ecr } = as(allow(["ecr:CreateRepository", "ecr:TagResource"], "*", condition));
    await ecr.send(create("images-request-tag", { owner: "suite" }));
    expect((await refused(ecr.send(create("images-request-tag-2", { owner: "other" })))).name).toBe(
      "AccessDeniedException",
    );
    const untagging = as(allow("ecr:CreateRepository")).ecr;
    expect((await refused(untagging.send(create("images-t", { a: "b" })))).message).toContain("ecr:TagResource");
  });

  test("on the tags of a role that is made, which needs TagRole", async () => {
    const trust = policy({ Effect: "Allow", Principal: { AWS: HOME }, Action: "sts:AssumeRole" });
    const make = (RoleName: string, Value: string) =>
      new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust, Tags: [{ Key: "owner", Value }] });
    const condition = { StringEquals: { "aws:RequestTag/owner": "suite" } };
    const { iam } = as(allow(["iam:CreateRole", "iam:TagRole"], "*", condition));
    await iam.send(make("tagged-role", "suite"));
    expect((await refused(iam.send(make("other-role", "other")))).name).toBe("AccessDenied");
    expect((await refused(as(allow("iam:CreateRole")).iam.send(make("x", "suite")))).message).toContain("iam:TagRole");
  });

  test("on the tags of a resource", async () => {
    await admin().ecr.send(create("images-owned", { owner: "suite" }));
    await admin().ecr.send(create("images-foreign", { owner: "other" }));
    const { ecr } = as(allow("ecr:DeleteRepository", "*", { StringEquals: { "aws:ResourceTag/owner": "suite" } }));
    await ecr.send(new DeleteRepositoryCommand({ repositoryName: "images-owned" }));
    const foreign = ecr.send(new DeleteRepositoryCommand({ repositoryName: "images-foreign" }));
    expect((await refused(foreign)).name).toBe("AccessDeniedException");
  });

  test("on the boundary of a role that is made or changed", async () => {
    const boundary = aws().managedPolicy(HOME, "required", allow("ecr:*"));
    const condition = { StringEquals: { "iam:PermissionsBoundary": boundary } };
    const { iam } = as(allow(["iam:CreateRole", "iam:PutRolePolicy"], "*", condition));
    const trust = policy({ Effect: "Allow", Principal: { AWS: HOME }, Action: "sts:AssumeRole" });
    const make = (RoleName: string, PermissionsBoundary?: string) =>
      iam.send(
        new CreateRoleCommand({
          RoleName,
          AssumeRolePolicyDocument: trust,
          ...(PermissionsBoundary && { PermissionsBoundary }),
        }),
      );
    expect((await refused(make("free"))).name).toBe("AccessDenied");
    await make("bound", boundary);
    aws().role(HOME, "unbound");
    const put = (RoleName: string) =>
      iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: "p", PolicyDocument: policy(allow("*")) }));
    await put("bound");
    expect((await refused(put("unbound"))).name).toBe("AccessDenied");
  });
});

describe("a repository's policy", () => {
  test("lets another account's role in only together with that role's own", async () => {
    await admin().ecr.send(create("images-shared"));
    const describe = new DescribeRepositoriesCommand({ registryId: HOME, repositoryNames: ["images-shared"] });
    const both = as(allow("ecr:DescribeRepositories"), {}, OTHER);
    const bare = as(undefined, {}, OTHER);
    expect((await refused(both.ecr.send(describe))).name).toBe("AccessDeniedException");
    const policyText = policy({ Effect: "Allow", Principal: { AWS: OTHER }, Action: "ecr:DescribeRepositories" });
    await admin().ecr.send(new SetRepositoryPolicyCommand({ repositoryName: "images-shared", policyText }));
    await both.ecr.send(describe);
    expect((await refused(bare.ecr.send(describe))).name).toBe("AccessDeniedException");
  });
});

test("recorded calls can be asked again under other policies", async () => {
  const { ecr } = as(allow("ecr:*"));
  const from = aws().calls.length;
  await ecr.send(create("images-replayed", { owner: "suite" }));
  const [call] = aws().calls.slice(from);
  expect(call).toMatchObject({
    service: "ecr",
    action: "CreateRepository",
    region: "us-east-1",
    resource: arn("images-replayed"),
    outcome: "ok",
  });
  if (call === undefined) throw new Error("no call");
  expect(await replayCall(call, [JSON.parse(policy(allow(["ecr:CreateRepository", "ecr:TagResource"])))])).toEqual([]);
  expect(await replayCall(call, [JSON.parse(policy(allow("ecr:CreateRepository")))])).toEqual(["ecr:TagResource"]);
});
