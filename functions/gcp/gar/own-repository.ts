import type { Call } from "../../../core/call.ts";
import { type Findings, healthOf, lookFor, missingFields } from "../../../core/health.ts";
import type { Health } from "../../../core/schemas.ts";
import { grpcCode, needed, unlessAbsent } from "../errors.ts";
import { type GarPlace, repositoryResource } from "../place.ts";
import { endpointOf, rest } from "../rest.ts";
import type { GarContext } from "./context.ts";

/** The label on the repository of a registry that this suite made or adopted; its value is the repository's id. */
export const ownershipLabel = "alien-artifact-registry";

export function isOurs(labels: Readonly<Record<string, string>>, { repository }: GarPlace): boolean {
  return labels[ownershipLabel] === repository;
}

/** What is read of a repository of Artifact Registry. */
export interface Repository {
  /** As `DOCKER`. */
  readonly format?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * The registry's repository, by a plain request: a derived binding is proven by its labels before credentials are minted,
 * and that must not load gRPC.
 *
 * @returns undefined where there is none
 */
export function findRepository({ place, identity, env }: GarContext, call: Call): Promise<Repository | undefined> {
  const endpoint = endpointOf(env, "ALIEN_GAR_REST_ENDPOINT", "artifactregistry.googleapis.com");
  const request = rest<Repository>(identity, call, {
    what: "Artifact Registry GetRepository",
    url: `${endpoint}/v1/${repositoryResource(place)}`,
    needs: needed("artifactregistry.repositories.get", `the repository ${place.repository}`),
    expected: [grpcCode.notFound],
  });
  return unlessAbsent(request);
}

/**
 * Whether the binding is complete, and the registry well.
 *
 * @param look at the registry; by default whether the repository is there and takes images
 */
export async function garHealth(
  context: GarContext,
  call: Call,
  look: () => Promise<Findings> = async () => (await lookFor(() => askRepository(context, call))).findings,
): Promise<Health> {
  const hint = "Without the service account no credentials are minted.";
  const missing = missingFields(context.binding, ["pullServiceAccountEmail", "pushServiceAccountEmail"], hint);
  return healthOf([...missing, ...(await look())]);
}

async function askRepository(context: GarContext, call: Call): Promise<Findings> {
  const repository = await findRepository(context, call);
  if (repository === undefined) {
    return [
      { message: `The repository "${context.place.repository}" does not exist.`, hint: "Run provisionRegistry." },
    ];
  }
  if (repository.format === "DOCKER") return [];
  return [{ message: "The repository does not hold images.", hint: "Bind one of format Docker." }];
}
