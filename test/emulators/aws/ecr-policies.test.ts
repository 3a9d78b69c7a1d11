import {
  CreateRepositoryCommand,
  DeleteRepositoryPolicyCommand,
  GetRepositoryPolicyCommand,
  SetRepositoryPolicyCommand,
} from "@aws-sdk/client-ecr";
import { DeleteRoleCommand } from "@aws-sdk/client-iam";
import { beforeAll, describe, expect, test } from "vitest";
import { clients, HOME, OTHER, policy, refused, useEmulator } from "./support.ts";

const aws = useEmulator();
const repositoryName = "images-app";
const ecr = () => clients(aws()).ecr;
const set = (policyText: string, name = repositoryName, force = false) =>
  ecr().send(new SetRepositoryPolicyCommand({ repositoryName: name, policyText, force }));
const get = async () => {
  const { policyText } = await ecr().send(new GetRepositoryPolicyCommand({ repositoryName }));
  return JSON.parse(policyText ?? "") as { Statement: { Principal: unknown }[] };
};
const pull = (AWS: unknown, more: object = {}) => ({
  Effect: "Allow",
  Principal: { AWS },
  Action: ["ecr:BatchGetImage"],
  ...more,
});
const principals = async () => (await get()).Statement.map(({ Principal }) => Principal);

beforeAll(async () => {
  await ecr().send(new CreateRepositoryCommand({ repositoryName }));
});

describe("a repository's policy", () => {
  test("is not there, is set, read, deleted, and is not there", async () => {
    const absent = { name: "RepositoryPolicyNotFoundException", status: 400 };
    expect(await refused(get())).toMatchObject(absent);
    await set(policy(pull(`arn:aws:iam::${OTHER}:root`)));
    expect(await get()).toEqual({
      Version: "2012-10-17",
      Statement: [pull(`arn:aws:iam::${OTHER}:root`)],
    });
    const remove = () => ecr().send(new DeleteRepositoryPolicyCommand({ repositoryName }));
    await remove();
    expect(await refused(remove())).toMatchObject(absent);
  });

  test("of a repository that is not there", async () => {
    expect((await refused(set(policy(pull(OTHER)), "images-none"))).name).toBe("RepositoryNotFoundException");
  });

  test("is read back written anew: bare account ids as root ARNs, text over several lines", async () => {
    await set(policy(pull([OTHER, HOME])));
    expect(await principals()).toEqual([{ AWS: [`arn:aws:iam::${OTHER}:root`, `arn:aws:iam::${HOME}:root`] }]);
    const { policyText } = await ecr().send(new GetRepositoryPolicyCommand({ repositoryName }));
    expect(policyText).toContain('"Version" : "2012-10-17"');
  });

  test("holds 10,240 characters and not one more", async () => {
    const filled = (length: number) => {
      const text = policy(pull(OTHER, { Sid: "" }));
      return policy(pull(OTHER, { Sid: "x".repeat(length - text.length) }));
    };
    await set(filled(10_240));
    expect((await refused(set(filled(10_241)))).name).toBe("InvalidParameterException");
  });

  const unsound = {
    "no JSON": "{",
    "no statement": policy(),
    "a resource": policy(pull(OTHER, { Resource: "*" })),
    "no principal": policy({ Effect: "Allow", Action: "ecr:BatchGetImage" }),
    "another service's action": policy(pull(OTHER, { Action: "s3:GetObject" })),
    "the token's action": policy(pull(OTHER, { Action: ["ecr:GetAuthorizationToken"] })),
    "a wrong effect": policy(pull(OTHER, { Effect: "Maybe" })),
    "a principal that is a text": policy({ ...pull(OTHER), Principal: OTHER }),
    "principals of no kind": policy({ ...pull(OTHER), Principal: {} }),
    "no principal in its list": policy(pull([])),
    "a service that is none": policy({ ...pull(OTHER), Principal: { Service: "lambda" } }),
    "no action in its list": policy(pull(OTHER, { Action: [] })),
    "an operator that is none": policy(pull(OTHER, { Condition: { StringIs: { "aws:SourceArn": "x" } } })),
    "a member that is none": JSON.stringify({ ...JSON.parse(policy(pull(OTHER))), Owner: "me" }),
    "another version": JSON.stringify({ ...JSON.parse(policy(pull(OTHER))), Version: "2020-01-01" }),
    "two statements of one name": policy(pull(OTHER, { Sid: "a" }), pull(OTHER, { Sid: "a" })),
  };
  test.each(Object.entries(unsound))("with %s is refused", async (_, text) => {
    expect(await refused(set(text))).toMatchObject({
      name: "InvalidParameterException",
      message: "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'",
    });
  });

  test("that locks its author out needs force", async () => {
    const deny = policy({ Effect: "Deny", Principal: "*", Action: "ecr:*" });
    await ecr().send(new CreateRepositoryCommand({ repositoryName: "images-locked" }));
    expect((await refused(set(deny, "images-locked"))).name).toBe("InvalidParameterException");
    await set(deny, "images-locked", true);
    expect((await refused(set(deny, "images-locked", true))).name).toBe("AccessDeniedException");
  });
});

describe("principals", () => {
  test.each([
    "999999999999",
    "arn:aws:iam::999999999999:root",
    `arn:aws-cn:iam::${OTHER}:root`,
    `arn:aws:iam::${OTHER}:role/nobody`,
    `arn:aws:iam::${OTHER}:user/nobody`,
    `arn:aws:sts::${OTHER}:assumed-role/nobody/session`,
    "AROAABCDEFGHIJKLMNOPQ",
    "somebody",
  ])("%s does not exist", async (principal) => {
    expect(await refused(set(policy(pull([OTHER, principal]))))).toMatchObject({
      name: "InvalidParameterException",
      message: "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Principal not found'",
    });
  });

  test("services and everybody need not be looked up", async () => {
    const service = { Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "ecr:BatchGetImage" };
    await set(policy(service, { Effect: "Allow", Principal: "*", Action: "ecr:BatchGetImage" }));
    expect(await principals()).toEqual([{ Service: "lambda.amazonaws.com" }, "*"]);
  });

  test("a role that is deleted shows as its unique id, which cannot be sent back, also when it is made anew", async () => {
    const arn = aws().role(OTHER, "worker");
    await set(policy(pull(arn)));
    expect(await principals()).toEqual([{ AWS: arn }]);
    await clients(aws(), aws().admin(OTHER)).iam.send(new DeleteRoleCommand({ RoleName: "worker" }));
    const [shown] = (await principals()) as { AWS: string }[];
    expect(shown?.AWS).toMatch(/^AROA[A-Z2-7]{17}$/);
    expect((await refused(set(JSON.stringify(await get())))).message).toContain("Principal not found");
    aws().role(OTHER, "worker");
    expect(await principals()).toEqual([shown]);
  });
});
