import { DescribeRepositoriesCommand } from "@aws-sdk/client-ecr";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Health } from "../../../core/schemas.ts";
import { isServiceError } from "../errors.ts";
import { type EcrContext, ecr } from "./context.ts";

/** Whether the registry answers and its binding is complete. */
export async function ecrHealth(context: EcrContext, call: Call): Promise<Health> {
  const { binding } = context;
  const missing = (["pullRoleArn", "pushRoleArn"] as const).filter((field) => binding[field] === undefined);
  const findings = [
    ...missing.map((field) => ({
      message: `The binding has no ${field}.`,
      hint: "Run provisionRegistry and bind what it answers: without the role no credentials are minted.",
    })),
    ...(await askRepository(context, call)),
  ];
  return { status: findings.length === 0 ? "healthy" : "degraded", findings };
}

async function askRepository(context: EcrContext, call: Call): Promise<{ message: string; hint?: string }[]> {
  const { repositoryPrefix } = context.binding;
  try {
    await ecr(
      context,
      call,
      "DescribeRepositories",
      (client, options) =>
        client.send(new DescribeRepositoriesCommand({ repositoryNames: [repositoryPrefix] }), options),
      { expected: ["RepositoryNotFoundException"] },
    );
    return [];
  } catch (error) {
    if (isServiceError(error, "RepositoryNotFoundException")) {
      return [{ message: `The repository "${repositoryPrefix}" does not exist.`, hint: "Run provisionRegistry." }];
    }
    if (!(error instanceof ArtifactRegistryError)) throw error;
    return [{ message: error.message, ...(error.hint !== undefined && { hint: error.hint }) }];
  }
}
