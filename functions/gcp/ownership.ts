import type { GarPlace } from "./place.ts";

/** The label on the repository of a registry that this suite made or adopted; its value is the repository's id. */
export const ownershipLabel = "alien-artifact-registry";

export function isOurs(labels: Readonly<Record<string, string>>, { repository }: GarPlace): boolean {
  return labels[ownershipLabel] === repository;
}

/**
 * A word in the description of a service account that is a registry's: accounts have no labels. It names the location
 * too, since accounts are the project's and a repository's id may be there in every location.
 */
export function ownershipMark({ location, repository }: GarPlace): string {
  return `${ownershipLabel}=${location}/${repository}`;
}

export function bearsMark(description: string, place: GarPlace): boolean {
  return description.split(/\s+/).includes(ownershipMark(place));
}
