import { ArtifactRegistryError } from "../../core/errors.ts";
import type { Environment } from "../../core/platform.ts";
import { type GarBinding, isLocation, isProjectId } from "./binding.ts";

/** Where a repository of Artifact Registry is. */
export interface GarPlace {
  /** May be domain-scoped, as `example.com:project`. */
  readonly project: string;
  /** A region, or a multi-region such as `europe`. */
  readonly location: string;
  readonly repository: string;
}

/**
 * The location of each repository that took the place of Container Registry, by its id. Requests to the host of that name
 * reach this repository, and no other location has one (Artifact Registry, "gcr.io domain support").
 */
const migratedLocations: Readonly<Record<string, string>> = {
  "gcr.io": "us",
  "us.gcr.io": "us",
  "eu.gcr.io": "europe",
  "asia.gcr.io": "asia",
};

/** Whether the repository took the place of Container Registry. Google makes such a one, and we do not. */
export function isMigrated({ repository }: Pick<GarPlace, "repository">): boolean {
  return migratedLocations[repository] !== undefined;
}

/**
 * Completes a binding. What its own fields leave out is taken from the whole resource name in `repositoryName`, if it has
 * one, and otherwise from the environment.
 *
 * @throws BINDING_CONFIG_INVALID where the project or the location is missing, is given twice with different values, or cannot
 *   be that of the repository
 */
export function placeOf(
  { projectId, location, repositoryName }: Pick<GarBinding, "projectId" | "location" | "repositoryName">,
  env: Environment,
): GarPlace {
  const named = /^projects\/([^/]+)\/locations\/([^/]+)\/repositories\/([^/]+)$/.exec(repositoryName);
  const [, namedProject, namedLocation, repository = repositoryName] = named ?? [];
  const place = {
    project: onlyValue("projectId", [projectId, namedProject], env.GOOGLE_CLOUD_PROJECT, isProjectId),
    location: onlyValue("location", [location, namedLocation], env.GOOGLE_CLOUD_LOCATION, isLocation),
    repository,
  };
  const only = migratedLocations[repository] ?? place.location;
  if (place.location === only) return place;
  const message = `The repository "${repository}" cannot be in ${place.location}.`;
  throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", message, {
    hint: `Google has it in "${only}" alone: give the binding that location.`,
    context: { field: "location" },
  });
}

function onlyValue(
  field: "projectId" | "location",
  bound: readonly (string | undefined)[],
  fallback: string | undefined,
  isLegal: (text: string) => boolean,
): string {
  const values = [...new Set(bound.filter((each) => each !== undefined))];
  const invalid = (why: string) =>
    new ArtifactRegistryError("BINDING_CONFIG_INVALID", `A registry's binding ${why}.`, {
      hint: `Give the binding a ${field}, or set GOOGLE_CLOUD_${field === "projectId" ? "PROJECT" : "LOCATION"}.`,
      context: { field },
    });
  if (values.length > 1) throw invalid(`has a ${field} that differs from the one in its repositoryName`);
  const value = values[0] ?? fallback;
  if (value === undefined || value === "") throw invalid(`has no ${field}`);
  if (!isLegal(value)) throw invalid(`has a ${field} that is not valid on Google Cloud`);
  return value;
}

/** The host of a location's repositories (Artifact Registry, "Repository and image names"). */
export function registryHost({ location }: GarPlace): string {
  return `${location}-docker.pkg.dev`;
}

/** The host of the same repositories whose requests do not leave the region. */
export function regionalHost({ location }: GarPlace): string {
  return `docker.${location}.rep.pkg.dev`;
}

/** The API's name of a location, in which repositories are created. */
export function locationResource({ project, location }: GarPlace): string {
  return `projects/${project}/locations/${location}`;
}

/** The API's name of the repository. */
export function repositoryResource(place: GarPlace): string {
  return `${locationResource(place)}/repositories/${place.repository}`;
}

/** The API's name of an image path. Slashes of the path are escaped in it. */
export function packageResource(place: GarPlace, imagePath: string): string {
  return `${repositoryResource(place)}/packages/${imagePath.replaceAll("/", "%2F")}`;
}
