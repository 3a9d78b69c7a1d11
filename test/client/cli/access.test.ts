import { describe, expect, it } from "vitest";
import { startFake } from "../support/server.ts";
import { alienHere } from "./support/run.ts";

const aws = { type: "aws", accountIds: [], regions: [], roleArns: [], allowedServiceTypes: [] };
const gcp = { type: "gcp", projectNumbers: [], serviceAccountEmails: [], allowedServiceTypes: [] };
const account = "123456789012";
const role = `arn:aws:iam::${account}:role/puller,of=images`;

/** A function that answers as it is told, and the options that lead to it. */
async function functionThat(body: object) {
  const fake = await startFake({ body });
  const env = { ALIEN_CALLER_TOKEN: "token-of-the-caller" };
  const place = ["--registry", "images", "--url", fake.url, "--platform", "local"];
  return {
    run: (...args: string[]) => alienHere([...args, ...place], env),
    sent: () => fake.seen.map(({ path, body: sent }) => [path, JSON.parse(sent)]),
  };
}

describe("what is granted is spelled out by options", () => {
  it.each<[string[], object, string]>([
    [
      ["--account", account, "--account", "210987654321", "--region", "us-east-1", "--service-type", "worker"],
      {
        ...aws,
        accountIds: [account, "210987654321"],
        regions: ["us-east-1"],
        allowedServiceTypes: ["worker"],
      },
      `account ${account}, account 210987654321`,
    ],
    [["--role", role], { ...aws, roleArns: [role] }, `role ${role}`],
    [
      ["--project", "123456789", "--service-account", "sa@p.iam.gserviceaccount.com"],
      { ...gcp, projectNumbers: ["123456789"], serviceAccountEmails: ["sa@p.iam.gserviceaccount.com"] },
      "project 123456789, service account sa@p.iam.gserviceaccount.com",
    ],
    [
      ["--access", JSON.stringify({ ...aws, accountIds: [account] })],
      { ...aws, accountIds: [account] },
      `account ${account}`,
    ],
  ])("%j", async (options, access, told) => {
    const { run, sent } = await functionThat({});
    expect(await run("grant", "my-app", ...options)).toEqual({
      code: 0,
      stdout: `Granted pulls of my-app to ${told}.\n`,
      stderr: "",
    });
    expect(sent()).toEqual([["/v1/addCrossAccountAccess", { registry: "images", repoId: "my-app", access }]]);
  });

  it("and so is what is revoked, without a question", async () => {
    const { run, sent } = await functionThat({});
    expect(await run("revoke", "my-app", "--account", account, "--quiet")).toEqual({ code: 0, stdout: "", stderr: "" });
    const access = { ...aws, accountIds: [account] };
    expect(sent()).toEqual([["/v1/removeCrossAccountAccess", { registry: "images", repoId: "my-app", access }]]);
  });

  it("and a revocation tells what still lets them in, and whom else it had to leave out", async () => {
    const { run } = await functionThat({
      unmanaged: [
        { statement: "ByHand", principals: ["*"], actions: ["ecr:*"], conditional: false },
        { statement: "statement 2", region: "eu-west-1", principals: ["*"], actions: ["ecr:*"], conditional: false },
      ],
      leftOut: [{ principal: "210987654321", region: "af-south-1" }],
    });
    expect(await run("revoke", "my-app", "--account", account)).toEqual({
      code: 0,
      stdout: `Revoked pulls of my-app from account ${account}.\n`,
      stderr:
        "warning: Statements that others wrote still let them in: ByHand, statement 2 (eu-west-1). AWS refused others, who lost their access as well: 210987654321 (af-south-1).\n",
    });
  });

  it("and what setup grants, one value or a list", async () => {
    const { run, sent } = await functionThat({ name: "images/my-app" });
    const list = [
      { ...aws, roleArns: [role] },
      { ...aws, accountIds: [account] },
    ];
    await run("setup", "my-app", "--role", role);
    await run("setup", "my-app", "--access", JSON.stringify(list));
    expect(sent().map(([, body]) => body.access)).toEqual([[list[0]], list]);
  });

  it.each<[string, string[]]>([
    ["No consumer is named.", []],
    ["No consumer is named.", ["--service-type", "worker"]],
    ["No consumer is named.", ["--region", "us-east-1"]],
    ["These options belong to different clouds.", ["--account", account, "--project", "123456789"]],
    ["--access cannot be combined with the options", ["--account", account, "--access", "{}"]],
    ["--access is not JSON.", ["--access", "{"]],
    ["--account must be 12 digits.", ["--account", "*"]],
    ["--role must be the literal ARN", ["--role", `arn:aws:iam::${account}:root`]],
    ["Allowed choices are worker.", ["--account", account, "--service-type", "everything"]],
  ])("refused before anything is sent: %s %j", async (message, options) => {
    const { run, sent } = await functionThat({});
    const { code, stdout, stderr } = await run("grant", "my-app", ...options);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(sent()).toEqual([]);
  });
});

describe("who may pull", () => {
  const worker = {
    ...aws,
    accountIds: [account],
    regions: ["us-east-1", "eu-west-1"],
    allowedServiceTypes: ["worker"],
  };
  const grants = [worker, { ...aws, roleArns: [role] }];

  it("is a table", async () => {
    const unmanaged = [
      { statement: "Theirs\u001b[2J", principals: ["*"], actions: ["ecr:*"], conditional: true },
      {
        statement: "statement 3",
        principals: ["*"],
        actions: ["ecr:BatchGetImage"],
        conditional: false,
        unreadable: true,
      },
      { statement: "Audit", principals: ["arn:aws:iam::1:root", "2"], actions: ["a", "b"], conditional: false },
    ];
    const { run } = await functionThat({ access: worker, grants, unmanaged });
    expect(await run("access", "my-app")).toEqual({
      code: 0,
      stderr: "",
      stdout: [
        `KIND     CONSUMER${" ".repeat(role.length - 6)}WORKERS`,
        `account  ${account.padEnd(role.length + 2)}us-east-1, eu-west-1`,
        `role     ${role}  -`,
        "",
        "STATEMENT OF OTHERS  LETS IN                 FOR                NOTE",
        "Theirs?[2J           *                       ecr:*              on a condition",
        "statement 3          *                       ecr:BatchGetImage  look at it: it says more",
        "Audit                arn:aws:iam::1:root, 2  a, b               -",
        "",
      ].join("\n"),
    });
  });

  it("is said to hold for the whole registry where it does, and its grants can be granted again", async () => {
    const value = { ...gcp, projectNumbers: ["123456789"], allowedServiceTypes: ["worker"] };
    const { run } = await functionThat({ access: value, grants: [value], scope: "registry" });
    const { stdout, stderr } = await run("access", "my-app");
    expect(stdout).toMatch(/^project +123456789 +yes$/m);
    expect(stderr).toBe("warning: Grants are for every repository of this registry.\n");
    expect(JSON.parse((await run("access", "my-app", "--quiet")).stdout)).toEqual([value]);
  });

  it("may be nobody", async () => {
    const { run } = await functionThat({ access: aws, grants: [] });
    expect((await run("access", "my-app")).stdout).toBe("Nobody else may pull.\n");
  });
});
