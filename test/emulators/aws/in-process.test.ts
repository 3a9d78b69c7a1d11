import { CreateRepositoryCommand, DescribeRepositoriesCommand, ECRClient } from "@aws-sdk/client-ecr";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { expect, test } from "vitest";
import { emulateInProcess, withEmulator } from "./in-process.ts";
import { HOME, refused } from "./support.ts";

const repositoryName = "images-app";
const start = (trusting: boolean) => {
  const now = new Date("2026-05-06T07:08:09.123Z");
  const aws = emulateInProcess({ accounts: [HOME], behaviour: { trusting }, clock: () => now });
  const { AWS_ENDPOINT_URL: endpoint = "", AWS_REGION: region = "" } = aws.environment(aws.admin(), "us-east-1");
  const config = { endpoint, region, credentials: aws.admin(), maxAttempts: 1 };
  const within = <T>(work: () => Promise<T>) => withEmulator(aws, (send) => send(), work);
  return { aws, now, config, within, ecr: new ECRClient(config), sts: new STSClient(config) };
};

test("AWS's clients reach it without a socket, in both kinds of protocol, and at its own time", async () => {
  const { now, within, ecr, sts } = start(false);
  const made = await within(() => ecr.send(new CreateRepositoryCommand({ repositoryName })));
  expect(made.repository).toMatchObject({ repositoryName, createdAt: now });
  expect(await within(() => sts.send(new GetCallerIdentityCommand({})))).toMatchObject({ Account: HOME });
  const missing = new DescribeRepositoriesCommand({ repositoryNames: ["images-none"] });
  expect((await refused(within(() => ecr.send(missing)))).name).toBe("RepositoryNotFoundException");
});

test("nothing else in the process is touched", async () => {
  const { ecr } = start(false);
  await expect(ecr.send(new DescribeRepositoriesCommand({}))).rejects.toMatchObject({ code: "ENOTFOUND" });
});

test("signatures and policies count, unless it trusts everybody", async () => {
  const credentials = (aws: ReturnType<typeof start>["aws"]) => ({
    ...aws.credentialsFor(aws.role(HOME, "nobody")),
    secretAccessKey: "guessed",
  });
  for (const [trusting, name] of [
    [false, "InvalidSignatureException"],
    [true, undefined],
  ] as const) {
    const { aws, config, within } = start(trusting);
    const ecr = new ECRClient({ ...config, credentials: credentials(aws) });
    const asked = within(() => ecr.send(new DescribeRepositoriesCommand({})));
    if (name === undefined) expect((await asked).repositories).toEqual([]);
    else expect((await refused(asked)).name).toBe(name);
  }
});

test("a fault cuts the connection, and so does whoever carries the requests", async () => {
  const { aws, within, ecr } = start(true);
  aws.faults.add({ fault: { kind: "lost" } });
  const create = () => ecr.send(new CreateRepositoryCommand({ repositoryName }));
  await expect(within(create)).rejects.toMatchObject({ code: "ECONNRESET" });
  const before = aws.calls.length;
  await expect(withEmulator(aws, async () => undefined, create)).rejects.toMatchObject({ code: "ECONNRESET" });
  expect(aws.calls.length).toBe(before);
  expect((await refused(within(create))).name).toBe("RepositoryAlreadyExistsException");
});
