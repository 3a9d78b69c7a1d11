import { createHash } from "node:crypto";
import { invalidInput } from "./errors.ts";

declare const brand: unique symbol;
/** The full, platform-specific path of a repository. Every operation but `createRepository` takes one. */
export type RoutableName = string & { readonly [brand]: "RoutableName" };

/** What a platform allows in the name of a repository. */
export interface NameGrammar {
  /** Matches a whole legal name. */
  readonly pattern: RegExp;
  /** How many characters a name may have, including the prefix. */
  readonly maxLength: number;
  /** Whether `/` may stand between the parts of a name. */
  readonly nested: boolean;
}

/** The part of a platform's name space that belongs to one registry. */
export interface NameSpace {
  /** It is empty if the registry owns its whole name space, as an ACR without a prefix does. */
  readonly prefix: string;
  readonly separator: "-" | "/";
  readonly grammar: NameGrammar;
  /** The host of the registry. An id that begins with it was copied from an image URI. */
  readonly host?: string;
  /** The name spaces of the other registries of this installation. An id in one of them is never ours. */
  readonly others?: readonly OtherSpace[];
}

/** As much of a name space as the other registries need to know. */
export interface OtherSpace {
  readonly prefix: string;
  readonly separator: "-" | "/";
}

const part = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";

/** Repository names of the OCI distribution spec 1.1. */
export const ociGrammar: NameGrammar = {
  pattern: new RegExp(`^${part}(?:/${part})*$`),
  maxLength: 255,
  nested: true,
};

// 20 characters of base32 are 100 bits: two changed names do not collide.
const hashLength = 20;
const hashed = new RegExp(`-[a-z2-7]{${hashLength}}$`);

/**
 * Maps a logical name to the routable name of the repository that `createRepository(logical)` makes.
 *
 * No two logical names are mapped to the same routable name. A name that fits the grammar stays as it is. A name that does not
 * fit, or that looks like a changed one, carries a hash of the whole original.
 *
 * @throws INVALID_INPUT if the name is hostile, or if the same string, read as an id, would mean another repository
 */
export function routeLogicalName(logical: string, space: NameSpace): RoutableName {
  const routed = mapLogicalName(logical, space, "name");
  const resolved = resolveRepositoryId(logical, space, "name");
  if (resolved !== routed) {
    throw invalidInput(
      `The name "${logical}" already means the repository "${resolved}"; creating it would make "${routed}".`,
      "name",
      "Choose a name that neither begins with the registry's own prefix nor looks like a mapped one.",
    );
  }
  return routed;
}

/**
 * Reads an id. If it lies in the registry's routable space, it is a routable name and stays as it is. If it does not, it is a
 * logical name, and is mapped.
 *
 * @param field the input that holds the id, for the error
 * @throws INVALID_INPUT for an id outside the registry's own space: `..`, a URL, another registry's prefix
 */
export function resolveRepositoryId(id: string, space: NameSpace, field = "repoId"): RoutableName {
  refuseHostile(id, space, field);
  const { prefix, separator, grammar } = space;
  const inside = prefix === "" || id === prefix || id.startsWith(prefix + separator);
  if (!inside) return mapLogicalName(id, space, field);
  if (id.length <= grammar.maxLength && grammar.pattern.test(id)) return id as RoutableName;
  if (prefix === "") return mapLogicalName(id, space, field);
  throw invalidInput(
    `"${shorten(id)}" begins with this registry's prefix but is not a legal repository name.`,
    field,
    "Pass the name that createRepository returned, without a tag or a digest.",
  );
}

/**
 * Finds two registries whose name spaces overlap, because one contains the other.
 *
 * @param prefixes the prefix of each registry, by its name
 * @returns the pair that overlaps, or undefined
 */
export function overlappingPrefixes(prefixes: ReadonlyMap<string, string>): [string, string] | undefined {
  const entries = [...prefixes];
  for (const [a, prefixA] of entries) {
    for (const [b, prefixB] of entries) {
      if (a === b) continue;
      if (prefixA === prefixB || prefixB.startsWith(`${prefixA}-`) || prefixB.startsWith(`${prefixA}/`)) return [a, b];
    }
  }
  return undefined;
}

/** Maps a string to a name that fits the grammar and has at most `room` characters. No two strings get the same name. */
export function fitName(name: string, grammar: NameGrammar, room: number = grammar.maxLength): string {
  if (name.length <= room && grammar.pattern.test(name) && !hashed.test(name)) return name;
  const slug = name
    .toLowerCase()
    .split(grammar.nested ? "/" : /\/+/)
    .map((segment) => segment.replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, ""))
    .filter((segment) => segment !== "")
    .join(grammar.nested ? "/" : "-")
    .slice(0, Math.max(0, room - hashLength - 1))
    .replace(/[-/]+$/, "");
  return `${slug === "" ? "r" : slug}-${hash(name)}`;
}

function mapLogicalName(logical: string, space: NameSpace, field: string): RoutableName {
  const { prefix, separator, grammar } = space;
  const front = prefix === "" ? "" : prefix + separator;
  const routable = front + fitName(logical, grammar, grammar.maxLength - front.length);
  if (routable.length > grammar.maxLength) {
    throw invalidInput("The registry's prefix leaves no room for this name.", field, "Choose a shorter, plainer name.");
  }
  // Without a prefix of our own `Team/x` becomes `team/x-…`: a name that was harmless as written may not be so when mapped.
  if (inOtherSpace(routable, space)) {
    throw invalidInput(`"${shorten(logical)}" is outside this registry.`, field, "Choose another name.");
  }
  return routable as RoutableName;
}

function inOtherSpace(name: string, { others = [] }: NameSpace): boolean {
  return others.some(({ prefix, separator }) => name === prefix || name.startsWith(prefix + separator));
}

function refuseHostile(id: string, space: NameSpace, field: string): void {
  const refuse = (why: string) =>
    invalidInput(`"${shorten(id)}" ${why}.`, field, "Pass the name that createRepository returned.");
  // A lone surrogate has no UTF-8 form of its own, so two names would share one hash.
  if (!id.isWellFormed()) throw invalidInput("The name is not well-formed Unicode.", field);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(id)) throw refuse("is a URL, not a repository");
  if (/(?:^|[/\\])\.{1,2}(?:[/\\]|$)/.test(id)) throw refuse("contains a relative path segment");
  if (/^[/\\]/.test(id)) throw refuse("is an absolute path");
  // Hosts are the same in upper and lower case (RFC 3986, 3.2.2).
  if (space.host !== undefined && `${id}/`.toLowerCase().startsWith(`${space.host.toLowerCase()}/`)) {
    throw refuse("begins with the registry's host");
  }
  if (inOtherSpace(id, space)) throw refuse("is outside this registry");
}

function hash(name: string): string {
  const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  const digest = createHash("sha256").update(name, "utf8").digest();
  let bits = 0n;
  for (const byte of digest.subarray(0, 13)) bits = (bits << 8n) | BigInt(byte);
  let text = "";
  for (let i = 0; i < hashLength; i++) {
    text += alphabet.charAt(Number(bits & 31n));
    bits >>= 5n;
  }
  return text;
}

function shorten(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}
