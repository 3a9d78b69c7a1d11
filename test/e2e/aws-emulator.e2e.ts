import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startAwsEmulator } from "../emulators/aws/index.ts";

const run = promisify(execFile);
const folder = fileURLToPath(new URL("../emulators/aws/boto3/", import.meta.url));
const [home, other] = ["111122223333", "444455556666"];

/** The emulator under clients that are not ours and not JavaScript's: boto3 parses every answer by AWS's own models. */
test("boto3 finds in the emulator what it expects of AWS", async () => {
  const { stdout: python } = await run("bash", [join(folder, "install.sh")]);
  const aws = await startAwsEmulator({ accounts: [home, other], regions: ["us-east-1"] });
  const role = aws.role(home, "function", {
    policies: { Effect: "Allow", Action: "sts:AssumeRole", Resource: `arn:aws:iam::${home}:role/*` },
  });
  const session = aws.credentialsFor(role);
  const env = {
    PATH: process.env.PATH ?? "",
    PYTHONDONTWRITEBYTECODE: "1",
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
  const { stdout } = await run(python.trim(), [join(folder, "run.py")], { env });
  await aws.stop();
  const checks = stdout
    .trim()
    .split("\n")
    .map((line): { name: string; problem: string | null } => JSON.parse(line));
  expect(checks.filter(({ problem }) => problem !== null)).toEqual([]);
  expect(checks).toHaveLength(12);
});
