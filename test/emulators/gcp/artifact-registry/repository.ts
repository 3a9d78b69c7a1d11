import { GcpError } from "../errors.ts";
import type { Resource } from "../iam/authorize.ts";
import type { Policy } from "../iam/policy.ts";
import type { World } from "../world.ts";

export interface Package {
  /** The image's path below the repository, slashes included. */
  readonly path: string;
  readonly createTime: Date;
  updateTime: Date;
  /** Its images, by digest. */
  readonly versions: Map<string, Version>;
  /** The digest of the image that each tag names. */
  readonly tags: Map<string, string>;
}

/** An image, by the digest of its manifest. */
export interface Version {
  readonly digest: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** The images that an index holds, by their digests. */
  readonly children: readonly string[];
  readonly createTime: Date;
  updateTime: Date;
}

export interface Repository {
  /** `projects/P/locations/L/repositories/R` */
  readonly name: string;
  readonly project: string;
  readonly location: string;
  readonly id: string;
  readonly description: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly format: string;
  /** `STANDARD_REPOSITORY`, `REMOTE_REPOSITORY` or `VIRTUAL_REPOSITORY` (Repository.Mode). Nobody pushes to the last two. */
  readonly mode: string;
  readonly immutableTags: boolean;
  readonly createTime: Date;
  updateTime: Date;
  policy: Policy;
  readonly packages: Map<string, Package>;
}

const NAME = /^projects\/([^/]+)\/locations\/([^/]+)\/repositories\/([^/]+)$/;

export interface RepositoryName {
  readonly name: string;
  readonly project: string;
  readonly location: string;
  readonly id: string;
}

/** @throws INVALID_ARGUMENT */
export function parseRepositoryName(name: string): RepositoryName {
  const [, project, location, id] = NAME.exec(name) ?? [];
  if (project === undefined || location === undefined || id === undefined) throw malformed(name);
  return { name, project, location, id };
}

/** The parent of repositories: a location. @throws INVALID_ARGUMENT */
export function parseLocationName(name: string): { readonly project: string; readonly location: string } {
  const [, project, location] = /^projects\/([^/]+)\/locations\/([^/]+)$/.exec(name) ?? [];
  if (project === undefined || location === undefined) throw malformed(name);
  return { project, location };
}

/** A package's name: slashes in the image's path are written `%2F`. @throws INVALID_ARGUMENT */
export function parsePackageName(name: string): { readonly repository: RepositoryName; readonly path: string } {
  const [, repository, encoded] = /^(.+)\/packages\/([^/]+)$/.exec(name) ?? [];
  if (repository === undefined || encoded === undefined) throw malformed(name);
  return { repository: parseRepositoryName(repository), path: decode(encoded, name) };
}

function decode(encoded: string, name: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw malformed(name);
  }
}

/** The image path, which is made where there is none yet, as by a push. */
export function packageAt({ packages }: Pick<Repository, "packages">, path: string, now: Date): Package {
  const found = packages.get(path) ?? { path, createTime: now, updateTime: now, versions: new Map(), tags: new Map() };
  found.updateTime = now;
  packages.set(path, found);
  return found;
}

export const malformed = (name: string) =>
  new GcpError(
    "INVALID_ARGUMENT",
    `Request contains an invalid argument: the name ${JSON.stringify(name)} is malformed.`,
  );

/** What IAM is asked about, whether the repository exists or not. */
export function resourceOf(world: World, { name, project }: RepositoryName): Resource {
  const repository = world.repositories.get(name);
  return { name, project, policy: repository && world.policyInEffect(repository) };
}

export const locationResource = (project: string, location: string): Resource => ({
  name: `projects/${project}/locations/${location}`,
  project,
  policy: undefined,
});

/** @throws NOT_FOUND */
export function mustFind(world: World, { name }: RepositoryName): Repository {
  const repository = world.repositories.get(name);
  if (repository === undefined) throw new GcpError("NOT_FOUND", `Repository "${name}" not found.`);
  return repository;
}
