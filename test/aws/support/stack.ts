import { CreateTableCommand, type CreateTableCommandInput, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateRepositoryCommand, ECRClient } from "@aws-sdk/client-ecr";
import { ownershipTagKey } from "../../../functions/aws/names.ts";
import { ecrRolePolicy, trustPolicy } from "../../../functions/aws/policy/roles.ts";
import { inlinePolicy } from "../../../functions/aws/provisioning/roles.ts";
import {
  type AwsEmulator,
  type EmulatorOptions,
  type PolicyInput,
  type SdkCredentials,
  startAwsEmulator,
} from "../../emulators/aws/index.ts";

/** An account with what a registry needs, as provisioning and infra/aws make it. */
export interface AwsStack {
  readonly emulator: AwsEmulator;
  readonly account: string;
  readonly region: string;
  readonly leaseTable: string;
  readonly functionRole: string;
  /** The JSON that binds the registry. */
  binding(prefix: string, more?: object): string;
  /** Points the SDK of this process at the emulator, as the function's role. */
  useInThisProcess(): void;
  /** The variables that do so in another process. */
  env(credentials?: SdkCredentials): Record<string, string>;
  stop(): Promise<void>;
}

export interface StackOptions extends EmulatorOptions {
  readonly prefixes?: readonly string[];
  readonly replicaRegions?: readonly string[];
  /** The home region. */
  readonly region?: string;
  /** Instead of all that the function may do. */
  readonly functionPolicies?: PolicyInput;
}

const account = "111122223333";
const leaseTable = "leases";
/** The form of a table of leases, as infra/aws makes it. */
export const leaseTableSchema = {
  AttributeDefinitions: [{ AttributeName: "repository", AttributeType: "S" }],
  KeySchema: [{ AttributeName: "repository", KeyType: "HASH" }],
  BillingMode: "PAY_PER_REQUEST",
} as const satisfies Partial<CreateTableCommandInput>;

export async function startStack(options: StackOptions = {}): Promise<AwsStack> {
  const { prefixes = ["images", "builds"], replicaRegions = [], region = "us-east-1" } = options;
  const regions = [region, ...replicaRegions] as const;
  const emulator = await startAwsEmulator({ ...options, accounts: [account, ...(options.accounts ?? [])], regions });
  const { partition } = emulator;
  const functionRole = emulator.role(account, "function", {
    policies: (options.functionPolicies as never) ?? [
      { Effect: "Allow", Action: "ecr:*", Resource: "*" },
      { Effect: "Allow", Action: "sts:AssumeRole", Resource: `arn:${partition}:iam::${account}:role/*` },
      { Effect: "Allow", Action: "dynamodb:*", Resource: "*" },
      { Effect: "Allow", Action: "iam:*", Resource: `arn:${partition}:iam::${account}:role/*` },
    ],
  });
  const trust = JSON.parse(trustPolicy({ partition, account, functionRoleArns: [functionRole] }));
  const rolesOf = (prefix: string) => {
    const [pullRoleArn, pushRoleArn] = (["pull", "push-pull"] as const).map((permissions) => {
      const policy = JSON.parse(ecrRolePolicy({ partition, account, repositoryPrefix: prefix, permissions }, regions));
      const name = `${prefix}-${permissions === "pull" ? "pull" : "push"}`;
      const tags = { [ownershipTagKey]: prefix };
      return emulator.role(account, name, {
        trust,
        tags,
        policies: { [inlinePolicy]: policy },
        maxSessionDuration: 43_200,
      });
    });
    return { pullRoleArn, pushRoleArn };
  };
  const roles = new Map(prefixes.map((prefix) => [prefix, rolesOf(prefix)]));
  const admin = emulator.admin();
  const ecr = new ECRClient({ endpoint: emulator.url, region, credentials: admin });
  for (const prefix of prefixes) {
    await ecr.send(
      new CreateRepositoryCommand({ repositoryName: prefix, tags: [{ Key: ownershipTagKey, Value: prefix }] }),
    );
  }
  await new DynamoDBClient({ endpoint: emulator.url, region, credentials: admin }).send(
    new CreateTableCommand({ TableName: leaseTable, ...leaseTableSchema }),
  );
  emulator.calls.length = 0;

  const env = (credentials = emulator.credentialsFor(functionRole)): Record<string, string> => ({
    AWS_REGION: region,
    AWS_ENDPOINT_URL: emulator.url,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    ALIEN_FUNCTION_ROLE_ARNS: functionRole,
    ...(credentials.sessionToken !== undefined && { AWS_SESSION_TOKEN: credentials.sessionToken }),
  });
  return {
    emulator,
    account,
    region,
    leaseTable,
    functionRole,
    binding: (prefix, more = {}) =>
      JSON.stringify({ service: "ecr", repositoryPrefix: prefix, ...roles.get(prefix), leaseTable, ...more }),
    useInThisProcess: () => Object.assign(process.env, env()),
    env,
    stop: () => emulator.stop(),
  };
}
