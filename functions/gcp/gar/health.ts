import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { Health } from "../../../core/schemas.ts";
import { repositoryResource } from "../place.ts";
import { type GarContext, rpc } from "./context.ts";

/** Whether the repository is there and takes images, and the binding is complete. */
export async function garHealth(context: GarContext, call: Call): Promise<Health> {
  const { binding } = context;
  const missing = (["pullServiceAccountEmail", "pushServiceAccountEmail"] as const).filter(
    (field) => binding[field] === undefined,
  );
  const findings = [
    ...missing.map((field) => ({
      message: `The binding has no ${field}.`,
      hint: "Without the service account no credentials are minted.",
    })),
    ...(await askRepository(context, call)),
  ];
  return { status: findings.length === 0 ? "healthy" : "degraded", findings };
}

async function askRepository(context: GarContext, call: Call): Promise<Health["findings"]> {
  const options = { action: "GetRepository", permission: "artifactregistry.repositories.get" };
  try {
    const [{ format }] = await rpc(context, call, options, (client, more) =>
      client.getRepository({ name: repositoryResource(context.place) }, more),
    );
    if (format === "DOCKER") return [];
    return [{ message: "The repository does not hold images.", hint: "Bind one of format Docker." }];
  } catch (error) {
    if (!(error instanceof ArtifactRegistryError)) throw error;
    return [{ message: error.message, ...(error.hint !== undefined && { hint: error.hint }) }];
  }
}
