import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Health } from "../../../core/schemas.ts";
import { type ExternalContext, step } from "./context.ts";

/** Whether the registry answers to the function's own account, and the binding is complete. */
export async function externalHealth(context: ExternalContext, call: Call): Promise<Health> {
  const missing = (["pullAccount", "pushAccount"] as const).filter((field) => context.binding[field] === undefined);
  const findings: Health["findings"] = missing.map((field) => ({
    message: `The binding has no ${field}.`,
    hint: "Without the account no such credentials are minted.",
  }));
  try {
    await step(context, call, { what: "GET /v2/", as: "account" }, (client) => client.ping());
  } catch (error) {
    if (!(error instanceof ArtifactRegistryError)) throw error;
    const { message, hint } = error;
    return { status: "unhealthy", findings: [...findings, { message, ...(hint !== undefined && { hint }) }] };
  }
  return { status: findings.length === 0 ? "healthy" : "degraded", findings };
}
