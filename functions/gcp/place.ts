import { ArtifactRegistryError } from "../../core/errors.ts";
import type { Environment } from "../../core/platform.ts";
import { type GarBinding, isLocation, isProjectId } from "./binding.ts";

/** Where a repository of Artifact Registry is. */
export interface GarPlace {
  /** May be domain-scoped, as `example.com:project`. */
  readonly project: string;
  /** A region, or a multi-region as `europe`. */
  readonly location: string;
  readonly repository: string;
}

type Located = Pick<GarBinding, "projectId" | "location" | "repositoryName">;

/**
 * Completes a binding: what it leaves out is told by a whole resource name in `repositoryName`, or by the environment.
 *
 * @throws BINDING_CONFIG_INVALID where project or location stay unknown, or are told twice and differ
 */
export function placeOf({ projectId, location, repositoryName }: Located, env: Environment): GarPlace {
  const named = /^projects\/([^/]+)\/locations\/([^/]+)\/repositories\/([^/]+)$/.exec(repositoryName);
  const [, namedProject, namedLocation, repository = repositoryName] = named ?? [];
  return {
    project: settle("projectId", [projectId, namedProject], env.GOOGLE_CLOUD_PROJECT, isProjectId),
    location: settle("location", [location, namedLocation], env.GOOGLE_CLOUD_LOCATION, isLocation),
    repository,
  };
}

function settle(
  field: "projectId" | "location",
  told: readonly (string | undefined)[],
  standard: string | undefined,
  isLegal: (text: string) => boolean,
): string {
  const values = [...new Set(told.filter((each) => each !== undefined))];
  const refuse = (why: string) =>
    new ArtifactRegistryError("BINDING_CONFIG_INVALID", `A registry's binding ${why}.`, {
      hint: `Give the binding a ${field}, or set GOOGLE_CLOUD_${field === "projectId" ? "PROJECT" : "LOCATION"}.`,
      context: { field },
    });
  if (values.length > 1) throw refuse(`has a ${field} that is not the one in its repositoryName`);
  const value = values[0] ?? standard;
  if (value === undefined || value === "") throw refuse(`does not tell its ${field}`);
  if (!isLegal(value)) throw refuse(`has a ${field} that Google Cloud does not know`);
  return value;
}

/** Host of the repositories of a location (Artifact Registry, "Repository and image names"). */
export function registryHost({ location }: GarPlace): string {
  return `${location}-docker.pkg.dev`;
}

/** The name of a location in the API: what repositories are made in. */
export function locationResource({ project, location }: GarPlace): string {
  return `projects/${project}/locations/${location}`;
}

/** The name of the repository itself in the API. */
export function repositoryResource(place: GarPlace): string {
  return `${locationResource(place)}/repositories/${place.repository}`;
}

/** The name of an image path in the API, where its slashes are escaped. */
export function packageResource(place: GarPlace, imagePath: string): string {
  return `${repositoryResource(place)}/packages/${imagePath.replaceAll("/", "%2F")}`;
}
