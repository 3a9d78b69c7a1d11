/** The registry's own repository in Artifact Registry, in which its images are: reading it, and what its state means. */
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { type Findings, healthOf, lookFor, missingFields } from "../../../core/health.ts";
import type { Health } from "../../../core/schemas.ts";
import { describePermission, grpcCode, undefinedIfNotFound } from "../errors.ts";
import type { GarPlace } from "../place.ts";
import { endpointOf, rest } from "../rest.ts";
import type { GarContext } from "./context.ts";

/** Marks the repository of a registry that this suite created or adopted. The label's value is the repository's id. */
export const ownershipLabel = "alien-artifact-registry";

export function hasOwnershipLabel(
  { labels }: { readonly labels?: Readonly<Record<string, string>> | null },
  { repository }: GarPlace,
): boolean {
  return labels?.[ownershipLabel] === repository;
}

/** The fields of a repository that we read. */
export interface OwnRepository {
  /** As `DOCKER`. */
  readonly format?: string;
  /** `STANDARD_REPOSITORY`, or that of a repository that nobody can push to. */
  readonly mode?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** When it was made: ISO 8601. */
  readonly createTime?: string;
}

/**
 * Finds the registry's repository. It does so by a plain HTTP request: before credentials are minted, the labels prove a
 * derived binding, and that must not load gRPC.
 *
 * @returns undefined where there is none
 */
export function findOwnRepository(
  { place, resource, identity, env }: GarContext,
  call: Call,
): Promise<OwnRepository | undefined> {
  const endpoint = endpointOf(env, "ALIEN_GAR_REST_ENDPOINT", "artifactregistry.googleapis.com");
  const request = rest<OwnRepository>(identity, call, {
    what: "Artifact Registry GetRepository",
    url: `${endpoint}/v1/${resource}`,
    needs: describePermission("artifactregistry.repositories.get", `the repository ${place.repository}`),
    expected: [grpcCode.notFound],
  });
  return undefinedIfNotFound(request);
}

/**
 * Checks that the binding is complete, and that the registry is well.
 *
 * @param look checks the registry; by default, that the repository exists, holds images and takes pushes
 */
export async function garHealth(
  context: GarContext,
  call: Call,
  look: () => Promise<Findings> = async () => (await lookFor(() => repositoryFindings(context, call))).findings,
): Promise<Health> {
  const hint = "Without the service account no credentials are minted.";
  const missing = missingFields(context.binding, ["pullServiceAccountEmail", "pushServiceAccountEmail"], hint);
  return healthOf([...missing, ...(await look())]);
}

async function repositoryFindings(context: GarContext, call: Call): Promise<Findings> {
  const repository = await findOwnRepository(context, call);
  if (repository === undefined) {
    return [
      { message: `The repository "${context.place.repository}" does not exist.`, hint: "Run provisionRegistry." },
    ];
  }
  return kindFindings(repository);
}

/**
 * What is wrong with the kind of a repository. A remote repository mirrors another registry, and a virtual one stands for
 * several others: nobody can push to either (Artifact Registry, "Repository modes").
 *
 * @param subject begins the sentence
 */
export function kindFindings(
  { format, mode = "STANDARD_REPOSITORY" }: OwnRepository,
  subject = "The repository",
): Findings {
  if (format !== "DOCKER") {
    return [{ message: `${subject} does not hold images.`, hint: "Bind a repository of the format Docker." }];
  }
  if (mode !== "REMOTE_REPOSITORY" && mode !== "VIRTUAL_REPOSITORY") return [];
  return [{ message: `${subject} is a ${mode}: nobody can push to it.`, hint: "Bind a standard repository." }];
}

/** The refusal where the repository of a binding does not exist. */
export function noRepository({ place }: GarContext, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError(
    "BINDING_CONFIG_INVALID",
    `Artifact Registry has no repository "${place.repository}" in ${place.location}.`,
    { hint: "Create it with the format Docker, or correct the binding.", cause },
  );
}
