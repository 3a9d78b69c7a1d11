import { invalidInput } from "../../core/errors.ts";
import {
  fitName,
  type NameSpace,
  type OtherSpace,
  ociGrammar,
  type RoutableName,
  resolveRepositoryId,
  routeLogicalName,
} from "../../core/names.ts";
import { type GarPlace, registryHost } from "./place.ts";

/** Path of a repository of Artifact Registry under its host; the domain of a domain-scoped project is a segment. */
export function garPrefix({ project, repository }: GarPlace): string {
  return `${projectPath(project)}/${repository}`;
}

export interface GarNames {
  readonly prefix: string;
  routeName(logical: string): RoutableName;
  resolveId(repoId: string): RoutableName;
  /** The part of a routable name that is the package's in Artifact Registry; empty for the bare prefix. */
  imagePath(name: RoutableName): string;
}

/** Names of a registry: `{project}/{repository}/{name}`, nested ones included. */
export function createGarNames(place: GarPlace, others: readonly OtherSpace[]): GarNames {
  const prefix = garPrefix(place);
  const space: NameSpace = { prefix, separator: "/", grammar: ociGrammar, host: registryHost(place), others };
  return {
    prefix,
    routeName(logical) {
      refuseForeign(logical, place, "name");
      return routeLogicalName(logical, space);
    },
    resolveId(repoId) {
      refuseForeign(repoId, place, "repoId");
      return resolveRepositoryId(repoId, space);
    },
    imagePath: (name) => name.slice(prefix.length + 1),
  };
}

function projectPath(project: string): string {
  return project.replace(":", "/");
}

const project = "[a-z][a-z0-9-]{4,28}[a-z0-9]";
const domain = "[a-z0-9][a-z0-9.-]*\\.[a-z]{2,}";

/**
 * Refuses what can be told to be another project's or another repository's. Without this it would be read as a nested
 * logical name, and a mistaken id would silently mean a repository of our own. A logical name that looks like one, as
 * `some-project/{our repository}/x`, is refused too.
 */
function refuseForeign(id: string, place: GarPlace, field: string): void {
  const prefix = garPrefix(place);
  if (id === prefix || id.startsWith(`${prefix}/`)) return;
  const foreign = [
    new RegExp(`^(?:${domain}[:/])?${project}/${place.repository}(?:/|$)`),
    new RegExp(`^${domain}:${project}/`),
    /^projects\/[^/]+\/locations\//,
    /^[a-z0-9-]+\.pkg\.dev(?:\/|$)/i,
  ];
  if (!id.startsWith(`${projectPath(place.project)}/`) && !foreign.some((pattern) => pattern.test(id))) return;
  throw invalidInput(
    "The id is that of another project or of another repository of Artifact Registry.",
    field,
    `Pass the name that createRepository returned: ${prefix}/{name}.`,
  );
}

export type AccountKind = "pull" | "push";

/** IAM, serviceAccounts.create: characters of an account's id, of which at least 6 are there in `a-pull`. */
const accountIdLimit = 30;

/** Artifact Registry: characters of a repository's id. */
const repositoryLimit = 63;

/**
 * The address of the account that a registry's credentials are minted for: `{repository}-pull` or `{repository}-push`,
 * with a hash where that does not fit. The domain of a domain-scoped project comes behind its name.
 */
export function accountEmail({ project, repository }: GarPlace, kind: AccountKind): string {
  const room = accountIdLimit - kind.length - 1;
  const front = fitName(repository, { pattern: /^[a-z](?:[a-z0-9-]*[a-z0-9])?$/, maxLength: room, nested: false });
  return `${front}-${kind}@${project.split(":").reverse().join(".")}.iam.gserviceaccount.com`;
}

/** The binding of a registry that provisioning made: what it answers, and what is derived where nothing is bound. */
export function provisionedBinding(place: GarPlace) {
  return {
    service: "gar",
    projectId: place.project,
    location: place.location,
    repositoryName: place.repository,
    pullServiceAccountEmail: accountEmail(place, "pull"),
    pushServiceAccountEmail: accountEmail(place, "push"),
  } as const;
}

/** The id of a derived registry's repository: the stack's prefix and the registry's own name. */
export function derivedRepository(stackPrefix: string, name: string): string {
  const room = repositoryLimit - stackPrefix.length - 1;
  const grammar = { pattern: /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/, maxLength: room, nested: false };
  return `${stackPrefix}-${fitName(name, grammar)}`;
}
