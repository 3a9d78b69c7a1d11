import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CreateRepositoryCommand, ECRClient, GetAuthorizationTokenCommand } from "@aws-sdk/client-ecr";
import {
  CreateRepositoryCommand as CreatePublicCommand,
  ECRPUBLICClient,
  GetAuthorizationTokenCommand as GetPublicTokenCommand,
} from "@aws-sdk/client-ecr-public";
import { expect, onTestFinished, test } from "vitest";
import { startAwsEmulator } from "../emulators/aws/index.ts";
import { buildImage } from "../oci/client/images.ts";
import { type Account, clients } from "./clients.ts";
import { writeLayout } from "./layout.ts";
import { pythonChecks } from "./python-checks.ts";

const folder = fileURLToPath(new URL("../emulators/aws/boto3/", import.meta.url));
const REFUSED = /unauthorized|denied|not authorized|authentication required|\b40[13]\b/i;
const [home, other] = ["111122223333", "444455556666"];

/** The emulator under clients that are not ours and not JavaScript's: boto3 parses every answer by AWS's own models. */
test("boto3 finds in the emulator what it expects of AWS", async () => {
  const aws = await startAwsEmulator({ accounts: [home, other], regions: ["us-east-1"] });
  onTestFinished(() => aws.stop());
  const role = aws.role(home, "function", {
    policies: { Effect: "Allow", Action: "sts:AssumeRole", Resource: `arn:aws:iam::${home}:role/*` },
  });
  const session = aws.credentialsFor(role);
  const env = {
    ...aws.environment(aws.admin()),
    EMULATOR_HOME: home,
    EMULATOR_OTHER: other,
    EMULATOR_FUNCTION_ROLE: role,
    FUNCTION_KEY_ID: session.accessKeyId,
    FUNCTION_SECRET: session.secretAccessKey,
    FUNCTION_SESSION: session.sessionToken ?? "",
    REGISTRY_URL: aws.registryUrl("us-east-1"),
    QUEUE_URL: aws.queue(home, "us-east-1", "dead-letters"),
  };
  const checks = await pythonChecks(folder, env);
  expect(checks.filter(({ problem }) => problem !== null)).toEqual([]);
  expect(checks).toHaveLength(12);
});

/** Docker's own protocol, as three other clients speak it, against the ports that stand for ECR and ECR Public. */
test.each(["skopeo", "crane", "regctl"])("%s pushes and pulls with an AWS token", async (name) => {
  const aws = await startAwsEmulator({ accounts: [home], regions: ["us-east-1"] });
  const scratch = await mkdtemp(join(tmpdir(), "aws-emulator-e2e-"));
  onTestFinished(async () => {
    await aws.stop();
    await rm(scratch, { recursive: true, force: true });
  });
  const image = buildImage({ seed: name, layers: [300_000, 10] });
  await writeLayout(join(scratch, "image"), image, "v1");
  const api = { endpoint: aws.url, region: "us-east-1", credentials: aws.admin() };
  const [ecr, ecrPublic] = [new ECRClient(api), new ECRPUBLICClient(api)];
  const { repository } = await ecr.send(new CreateRepositoryCommand({ repositoryName: "images-app" }));
  const published = await ecrPublic.send(new CreatePublicCommand({ repositoryName: "images-app" }));
  const token = (await ecr.send(new GetAuthorizationTokenCommand({}))).authorizationData?.[0];
  const publicToken = (await ecrPublic.send(new GetPublicTokenCommand({}))).authorizationData;
  const places = [
    { uri: repository?.repositoryUri ?? "", token: token?.authorizationToken, anonymous: false },
    { uri: published.repository?.repositoryUri ?? "", token: publicToken?.authorizationToken, anonymous: true },
  ];
  for (const { uri, token, anonymous } of places) {
    const host = new URL(aws.reach(uri)).host;
    const reference = `${host}/${uri.slice(uri.indexOf("/") + 1)}:v1`;
    const client = clients(join(scratch, "accounts"), host).find((one) => one.name === name);
    if (client === undefined) throw new Error(`no client ${name}`);
    const password = Buffer.from(token ?? "", "base64")
      .toString()
      .replace("AWS:", "");
    const account = { username: "AWS", password };
    const pushed = await client.push(join(scratch, "image"), "v1", reference, account);
    expect(pushed.ok, pushed.output).toBe(true);
    const pull = (as: Account) => client.pull(reference, join(scratch, randomUUID()), "v1", as);
    const pulled = await pull(account);
    expect(pulled.ok, pulled.output).toBe(true);
    const unknown = await pull(undefined);
    expect(unknown.ok, unknown.output).toBe(anonymous);
    const guessed = await pull({ username: "AWS", password: "guessed" });
    expect(guessed.ok, guessed.output).toBe(false);
    for (const { ok, output } of [unknown, guessed]) if (!ok) expect(output).toMatch(REFUSED);
  }
});
