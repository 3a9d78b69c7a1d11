import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Health } from "../../../core/schemas.ts";
import type { EcrPublicContext } from "./context.ts";
import { findRepository } from "./repositories.ts";

/** Whether the registry answers and its binding is complete. The bare prefix need not be a repository here. */
export async function ecrPublicHealth(context: EcrPublicContext, call: Call): Promise<Health> {
  const { binding } = context;
  const missing = (["pullRoleArn", "pushRoleArn"] as const).filter((field) => binding[field] === undefined);
  const findings = [
    ...missing.map((field) => ({
      message: `The binding has no ${field}.`,
      hint: "Make the role with the module in infra/aws, and bind it: without the role no credentials are minted.",
    })),
    ...(await ask(context, call)),
  ];
  return { status: findings.length === 0 ? "healthy" : "degraded", findings };
}

async function ask(context: EcrPublicContext, call: Call): Promise<{ message: string; hint?: string }[]> {
  try {
    await findRepository(context, context.binding.repositoryPrefix, call);
    return [];
  } catch (error) {
    if (!(error instanceof ArtifactRegistryError)) throw error;
    return [{ message: error.message, ...(error.hint !== undefined && { hint: error.hint }) }];
  }
}
