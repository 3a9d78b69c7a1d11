import {
  fitName,
  type NameSpace,
  type OtherSpace,
  ociGrammar,
  type RoutableName,
  resolveRepositoryId,
  routeLogicalName,
} from "../../core/names.ts";
import { domainPattern, type GarBinding, projectPattern } from "./binding.ts";
import { type GarPlace, isMigrated, regionalHost, registryHost, repositoryResource } from "./place.ts";

/** The path of an Artifact Registry repository under its host. The domain of a domain-scoped project is a segment of it. */
export function garPrefix({ project, repository }: GarPlace): string {
  return `${projectPath(project)}/${repository}`;
}

export interface GarNames {
  readonly prefix: string;
  routeName(logical: string): RoutableName;
  resolveId(repoId: string): RoutableName;
  /** The part of a routable name that is Artifact Registry's package; empty for the prefix itself. */
  imagePath(name: RoutableName): string;
}

/** The names of a registry's repositories: `{project}/{repository}/{name}`, where `{name}` may be nested. */
export function createGarNames(place: GarPlace, others: readonly OtherSpace[]): GarNames {
  const prefix = garPrefix(place);
  const space: NameSpace = {
    prefix,
    separator: "/",
    grammar: ociGrammar,
    hosts: [registryHost(place), regionalHost(place)],
    others,
    readResource: (id) => readResource(id, place),
    elsewhere: elsewhere(place),
  };
  return {
    prefix,
    routeName: (logical) => routeLogicalName(logical, space),
    resolveId: (repoId) => resolveRepositoryId(repoId, space),
    imagePath: (name) => name.slice(prefix.length + 1),
  };
}

function projectPath(project: string): string {
  return project.replace(":", "/");
}

/**
 * Reads the API's name of the repository, or of a package in it, and the old address of a repository that took the place of
 * Container Registry: `gcr.io/{project}/{name}`. A project's number is not read: only Google tells whose it
 * is. Neither is what lies below a package, such as a tag.
 */
function readResource(id: string, place: GarPlace): string | undefined {
  const old = `${place.repository}/${projectPath(place.project)}`;
  if (isMigrated(place) && (id === old || id.startsWith(`${old}/`))) return garPrefix(place) + id.slice(old.length);
  const resource = repositoryResource(place);
  if (id === resource) return garPrefix(place);
  const [before, imagePath, ...more] = id.split("/packages/");
  if (before !== resource || imagePath === undefined || imagePath.includes("/") || more.length > 0) return undefined;
  return `${garPrefix(place)}/${imagePath.replaceAll(/%2f/gi, "/")}`;
}

/**
 * What ids look like that clearly belong to another project or to another repository. Otherwise they would be read as nested
 * logical names, and a mistaken id would silently mean a repository of our own. A logical name that looks like such an id,
 * as `some-project/{our repository}/x`, counts as one.
 */
function elsewhere({ project, repository }: GarPlace): RegExp[] {
  return [
    new RegExp(`^${literally(projectPath(project))}/`),
    new RegExp(`^(?:${domainPattern}[:/])?${projectPattern}/${literally(repository)}(?:/|$)`),
    new RegExp(`^${domainPattern}:${projectPattern}/`),
  ];
}

/** As a part of a regular expression. Of all signs that mean more there, projects and repositories have only the dot. */
function literally(name: string): string {
  return name.replaceAll(".", "\\.");
}

export type AccountKind = "pull" | "push";

/** How many characters the id of a service account may have. IAM also asks for 6, which `a-pull` has. */
const accountIdLimit = 30;

/** How many characters the id of an Artifact Registry repository may have. */
const repositoryIdLimit = 63;

/**
 * The address of the account for which a registry's credentials are minted: `{repository}-pull` or `{repository}-push`,
 * with a hash where that is too long. In an address, the domain of a domain-scoped project comes after its name.
 */
export function accountEmail({ project, repository }: GarPlace, kind: AccountKind): string {
  const maxLength = accountIdLimit - kind.length - 1;
  const front = fitName(repository, { pattern: /^[a-z](?:[a-z0-9-]*[a-z0-9])?$/, maxLength, nested: false });
  return `${front}-${kind}@${project.split(":").reverse().join(".")}.iam.gserviceaccount.com`;
}

/** The binding of a registry that provisioning made: provisioning answers it, and it is derived where nothing is bound. */
export function provisionedBinding(place: GarPlace): Required<GarBinding> {
  return {
    service: "gar",
    projectId: place.project,
    location: place.location,
    repositoryName: place.repository,
    pullServiceAccountEmail: accountEmail(place, "pull"),
    pushServiceAccountEmail: accountEmail(place, "push"),
  };
}

/** The id of a derived registry's repository: the stack's prefix, then the registry's own name. */
export function derivedRepositoryId(stackPrefix: string, name: string): string {
  const maxLength = repositoryIdLimit - stackPrefix.length - 1;
  const grammar = { pattern: /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/, maxLength, nested: false };
  return `${stackPrefix}-${fitName(name, grammar)}`;
}
