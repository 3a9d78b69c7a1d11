import { createHash } from "node:crypto";
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

/** How the repositories of a registry are named. */
export interface AcrNames {
  /** The path under which all of them are. It may be empty. */
  readonly prefix: string;
  routeName(logical: string): RoutableName;
  resolveId(repoId: string): RoutableName;
}

/** Names the repositories of a registry: `{name}`, or `{prefix}/{name}` if it has a prefix. */
export function createAcrNames(
  { repositoryPrefix: prefix = "", loginServer }: Pick<AcrBinding, "repositoryPrefix" | "loginServer">,
  others: readonly OtherSpace[],
): AcrNames {
  const space: NameSpace = {
    prefix,
    separator: "/",
    // Azure does not document exactly which names ACR accepts (lowercase letters, digits and `. - _ /`). It accepts these.
    grammar: ociGrammar,
    others,
    // If the login server is not bound, only Azure tells it, and an image's URI cannot be read as an id.
    ...(loginServer !== undefined && { hosts: [loginServer] }),
  };
  return {
    prefix,
    routeName: (logical) => routeLogicalName(logical, space),
    resolveId: (repoId) => resolveRepositoryId(repoId, space),
  };
}

/** A scope map's name: `^[a-zA-Z0-9-_]*$`, 5 to 50 characters (Microsoft.ContainerRegistry/registries/scopeMaps). */
const scopeMapGrammar: NameGrammar = { pattern: /^[a-z0-9_-]{5,}$/, maxLength: 50, nested: false };

/**
 * The name of a repository's scope map. No two repositories have the same one: a name that does not fit, or that looks like
 * a changed one, gets a hash.
 */
export function scopeMapName(repository: RoutableName): string {
  return fitName(repository, scopeMapGrammar);
}

/** Where a registry is that no variable binds. */
export interface DerivedPlace {
  readonly subscription: string;
  readonly resourceGroup: string;
  readonly stackPrefix: string;
  /** The registry's own name, as `images`. */
  readonly name: string;
}

/** How many characters the name of a container registry may have (Microsoft.ContainerRegistry/registries). */
const registryNameLength = 50;
/** How many characters in base 36 hold the 96 bits that we take of the hash. */
const hashLength = 19;

/**
 * The name of a derived registry's container registry. It may have letters and digits only, so its parts could not be told
 * apart. Therefore it always carries a hash. All of Azure shares one space of names, so the hash covers the registry's place
 * as well: nobody else's `shop` and `images` get the same name.
 */
export function derivedRegistryName({ subscription, resourceGroup, stackPrefix, name }: DerivedPlace): string {
  const place = [subscription.toLowerCase(), resourceGroup.toLowerCase(), stackPrefix, name];
  const bits = createHash("sha256").update(JSON.stringify(place)).digest().subarray(0, 12);
  const hash = BigInt(`0x${bits.toString("hex")}`)
    .toString(36)
    .padStart(hashLength, "0");
  const words = `${stackPrefix}${name}`.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  return `${words.slice(0, registryNameLength - hashLength)}${hash}`;
}

/** The prefix of a derived registry's repositories: the stack's prefix and the registry's own name, as on every platform. */
export function derivedPrefix(stackPrefix: string, name: string): string {
  const grammar = { pattern: /^[a-z0-9]+(?:-[a-z0-9]+)*$/, maxLength: 64, nested: false };
  return `${stackPrefix}-${fitName(name, grammar)}`;
}
