import { invalidInput } from "../../core/errors.ts";
import {
  fitName,
  type NameGrammar,
  type NameSpace,
  type OtherSpace,
  ociGrammar,
  type RoutableName,
  resolveRepositoryId,
  routeLogicalName,
} from "../../core/names.ts";
import type { AcrBinding } from "./binding.ts";

export interface AcrNames {
  /** May be empty. */
  readonly prefix: string;
  routeName(logical: string): RoutableName;
  resolveId(repoId: string): RoutableName;
}

/** Names of a registry: `{name}`, or `{prefix}/{name}` where it has a prefix. */
export function createAcrNames(
  { repositoryPrefix: prefix = "", loginServer }: Pick<AcrBinding, "repositoryPrefix" | "loginServer">,
  others: readonly OtherSpace[],
): AcrNames {
  const space: NameSpace = {
    prefix,
    separator: "/",
    // What ACR takes (lowercase letters, digits and `. - _ /`) is written down nowhere to the letter; this is a part of it.
    grammar: ociGrammar,
    others,
    ...(loginServer !== undefined && { host: loginServer }),
  };
  return {
    prefix,
    routeName(logical) {
      refuseUri(logical, "name");
      return routeLogicalName(logical, space);
    },
    resolveId(repoId) {
      refuseUri(repoId, "repoId");
      return resolveRepositoryId(repoId, space);
    },
  };
}

/** Without a prefix, and where the login server is not known beforehand, an image's URI would be a legal name. */
function refuseUri(id: string, field: string): void {
  if (!/^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.azurecr\.[a-z]+(?:\/|$)/i.test(id)) return;
  throw invalidInput(
    "The id begins with the host of a registry.",
    field,
    "Pass the name that createRepository returned, without the registry's host.",
  );
}

/** Names of scope maps: `^[a-zA-Z0-9-_]*$`, 5 to 50 characters (Microsoft.ContainerRegistry/registries/scopeMaps). */
const scopeMapGrammar: NameGrammar = { pattern: /^[a-z0-9_-]{5,}$/, maxLength: 50, nested: false };

/** The scope map of a repository. Injective: a name that does not fit, or that looks like a changed one, is hashed. */
export function scopeMapName(repository: RoutableName): string {
  return fitName(repository, scopeMapGrammar);
}
