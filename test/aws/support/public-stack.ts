import { trustPolicy } from "../../../functions/aws/policy/roles.ts";
import type { Statement } from "../../emulators/aws/identity/documents.ts";
import { publicRolePolicy } from "../../infra/support/aws-roles.ts";
import { doorPolicies, renderPolicy } from "../../infra/support/module.ts";
import { type AwsStack, startStack } from "./stack.ts";

/** An account with what a registry on ECR Public needs, as infra/aws makes it. */
export interface PublicStack extends AwsStack {
  /** The part of every repository's path that is the account's own. */
  readonly alias: string;
}

export interface PublicStackOptions {
  readonly prefixes?: readonly string[];
  /** Instead of exactly what the function needs. */
  readonly functionStatements?: (needed: readonly Statement[]) => readonly Statement[];
}

export async function startPublicStack(options: PublicStackOptions = {}): Promise<PublicStack> {
  const { prefixes = ["images", "builds"], functionStatements = (needed) => needed } = options;
  const stack = await startStack({ prefixes: [] });
  const { emulator, account } = stack;
  const { partition } = emulator;
  const functionRole = emulator.role(account, "public-function", {
    policies: functionStatements(functionNeeds(partition, account, prefixes)),
  });
  const trust = JSON.parse(trustPolicy({ partition, account, functionRoleArns: [functionRole] }));
  const roleOf = (prefix: string, permissions: "pull" | "push-pull") => {
    const policy = JSON.parse(publicRolePolicy({ partition, account, repositoryPrefix: prefix, permissions }));
    const name = `${prefix}-public-${permissions === "pull" ? "pull" : "push"}`;
    return emulator.role(account, name, { trust, policies: { registry: policy }, maxSessionDuration: 43_200 });
  };
  const roles = new Map(
    prefixes.map((prefix) => [
      prefix,
      { pullRoleArn: roleOf(prefix, "pull"), pushRoleArn: roleOf(prefix, "push-pull") },
    ]),
  );
  const env = (credentials = emulator.credentialsFor(functionRole)) => stack.env(credentials);
  return {
    ...stack,
    functionRole,
    alias: emulator.world.publicRegistry(account).alias,
    binding: (prefix, more = {}) =>
      JSON.stringify({ service: "ecr-public", repositoryPrefix: prefix, ...roles.get(prefix), ...more }),
    useInThisProcess: () => Object.assign(process.env, env()),
    env,
  };
}

/** What infra/aws gives the function for its public registries, one action a statement, so that tests can take one away. */
export function functionNeeds(partition: string, account: string, prefixes: readonly string[]): Statement[] {
  const arnOf = (name: string) => `arn:${partition}:ecr-public::${account}:repository/${name}`;
  const values = {
    owners: prefixes,
    public_repositories: prefixes.flatMap((prefix) => [arnOf(prefix), arnOf(`${prefix}-*`)]),
    public_inside: prefixes.map((prefix) => arnOf(`${prefix}-*`)),
    every_public_repository: arnOf("*"),
    public_registry: `arn:${partition}:ecr-public::${account}:registry/${account}`,
  };
  const assume = prefixes.flatMap((prefix) =>
    ["pull", "push"].map((kind) => `arn:${partition}:iam::${account}:role/${prefix}-public-${kind}`),
  );
  const concerns = doorPolicies.platform?.filter((name) => name.startsWith("public-")) ?? [];
  const statements = concerns.flatMap((name) => renderPolicy(name, values).Statement);
  return [
    ...statements.flatMap(({ Action, Resource, Condition }) =>
      [Action]
        .flat()
        .map(
          (action): Statement =>
            ({ Effect: "Allow", Action: action, Resource, ...(Condition && { Condition }) }) as Statement,
        ),
    ),
    { Effect: "Allow", Action: "sts:AssumeRole", Resource: assume },
  ];
}
