import { Agent } from "node:http";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { ECRClient, GetAuthorizationTokenCommand } from "@aws-sdk/client-ecr";
import { ECRPUBLICClient } from "@aws-sdk/client-ecr-public";
import { IAMClient } from "@aws-sdk/client-iam";
import { SQSClient } from "@aws-sdk/client-sqs";
import { AssumeRoleCommand, type AssumeRoleCommandInput, STSClient } from "@aws-sdk/client-sts";
import { afterAll, beforeAll } from "vitest";
import { createClient, type OciClient, OciError } from "../../../oci/client/index.ts";
import { type AwsEmulator, type EmulatorOptions, type SdkCredentials, startAwsEmulator } from "./index.ts";

export const HOME = "111122223333";
export const OTHER = "444455556666";

/** One emulator for the tests of a file. */
export function useEmulator(options: EmulatorOptions = {}): () => AwsEmulator {
  let emulator: AwsEmulator | undefined;
  beforeAll(async () => {
    emulator = await startAwsEmulator({ accounts: [HOME, OTHER], ...options });
  });
  afterAll(() => emulator?.stop());
  return () => {
    if (emulator === undefined) throw new Error("The emulator has not started.");
    return emulator;
  };
}

/** All clients of a test file share their connections. */
const httpAgent = new Agent({ keepAlive: true });

/** AWS's own clients, pointed at the emulator; they never repeat a call by themselves. Each is made when it is asked for. */
export function clients(aws: AwsEmulator, credentials: SdkCredentials = aws.admin(), region = "us-east-1") {
  const config = { endpoint: aws.url, region, credentials, maxAttempts: 1, requestHandler: { httpAgent } };
  return {
    get ecr() {
      return new ECRClient(config);
    },
    get ecrPublic() {
      return new ECRPUBLICClient(config);
    },
    get sts() {
      return new STSClient(config);
    },
    get iam() {
      return new IAMClient(config);
    },
    get dynamodb() {
      return new DynamoDBClient(config);
    },
    get sqs() {
      return new SQSClient(config);
    },
  };
}

/** The name and message of the error that a call must end with. */
export async function refused(call: Promise<unknown>): Promise<{ name: string; message: string; status: number }> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error("The call was not refused.");
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0;
  return { name: error.name, message: error.message, status };
}

/** The status and code with which the data plane refuses. */
export async function registryRefusal(call: Promise<unknown>): Promise<{ status: number; message: string }> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof OciError)) throw new Error(`The registry did not refuse: ${String(error)}`);
  return { status: error.status, message: error.message };
}

/** A client of a registry, with a token that these credentials get. */
export async function registryClient(
  aws: AwsEmulator,
  credentials: SdkCredentials,
  region = "us-east-1",
): Promise<OciClient> {
  const { authorizationData } = await clients(aws, credentials, region).ecr.send(new GetAuthorizationTokenCommand({}));
  return createClient({
    url: aws.registryUrl(region),
    credentials: decode(authorizationData?.[0]?.authorizationToken),
  });
}

export function decode(token: string | undefined): { username: string; password: string } {
  const [username = "", password = ""] = Buffer.from(token ?? "", "base64")
    .toString()
    .split(":");
  return { username, password };
}

/** Assumes a role, as these credentials. */
export async function assume(
  aws: AwsEmulator,
  credentials: SdkCredentials,
  input: Partial<AssumeRoleCommandInput> & { RoleArn: string },
): Promise<SdkCredentials> {
  const answer = await clients(aws, credentials).sts.send(
    new AssumeRoleCommand({ RoleSessionName: "session", ...input }),
  );
  const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "", Expiration } = answer.Credentials ?? {};
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    ...(Expiration === undefined ? {} : { expiration: Expiration }),
  };
}

export const allow = (Action: string | string[], Resource: string | string[] = "*", Condition?: object) => ({
  Effect: "Allow" as const,
  Action,
  Resource,
  ...(Condition === undefined ? {} : { Condition: Condition as Record<string, Record<string, string>> }),
});

export const policy = (...Statement: object[]): string => JSON.stringify({ Version: "2012-10-17", Statement });
