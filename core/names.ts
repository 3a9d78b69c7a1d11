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
  /** The registry's own host in each of its forms, with its port. Such a host and a routable name are an image's URI. */
  readonly hosts?: readonly string[];
  /** Name spaces of the other registries of this installation: an id in one of them is never ours. */
  readonly others?: readonly OtherSpace[];
  /**
   * Reads the cloud's own name of a repository, such as an ARN.
   *
   * @returns what stands for the routable name in it, or undefined if it is not a resource of this registry
   */
  readResource?(id: string): string | undefined;
  /**
   * Says whose repository an id of the cloud's own form names, where it is not this registry's.
   *
   * @returns the second half of a sentence, or undefined for what has no such form
   */
  tellForeign?(id: string): string | undefined;
  /** Match ids outside the prefix that only the platform knows to be another registry's. They would be read as logical names. */
  readonly elsewhere?: readonly RegExp[];
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

/** Under these are the registries of all platforms, whatever platform a registry of ours is on. */
const registryDomains = [
  ...["amazonaws.com", "amazonaws.com.cn", "amazonaws.eu", "public.ecr.aws", "ecr-public.aws.com"],
  ...["on.aws", "on.amazonwebservices.com.cn", "on.amazonwebservices.eu"],
  ...["pkg.dev", "gcr.io"],
  ...["azurecr.io", "azurecr.cn", "azurecr.us"],
];

const writeAlone = 'Write the name alone, such as "my-app".';
/** How to tell what names something by another grammar than that of names, and what to write instead. The first that fits counts. */
const foreignForms: readonly (readonly [fits: RegExp, what: string, hint: string])[] = [
  [/^[a-z][a-z0-9+.-]*:\/\//i, "is a URL", writeAlone],
  [/^arn:/i, "is an ARN", writeAlone],
  [/^projects\/[^/]+\/locations\//, "is a resource of Google Cloud", writeAlone],
  [/^\/subscriptions\//i, "is a resource of Azure", writeAlone],
  [
    /@[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-f]+(?![0-9a-z])/i,
    "has a digest",
    'Write the name without the digest, such as "my-app".',
  ],
  [
    /:\w[\w.-]{0,127}$/,
    "has a tag",
    'Write the name without the tag, such as "my-app". If it is no tag, join the parts by another character, such as "-".',
  ],
];

/**
 * Maps a logical name to the routable name of the repository that `createRepository(logical)` makes.
 *
 * No two logical names are mapped to the same routable name. A name that fits the grammar stays as it is. A name that does not
 * fit, or that looks like a changed one, carries a hash of the whole original.
 *
 * @throws INVALID_INPUT when the name is hostile, when it is an image reference, a URL or a cloud's resource, or when the
 *   same string, read as an id, would mean another repository.
 * @example
 *   routeLogicalName("my-app", { prefix: "images", separator: "/", grammar: ociGrammar }) // "images/my-app"
 */
export function routeLogicalName(logical: string, space: NameSpace): RoutableName {
  const [what, hint] = foreignForm(logical, space) ?? [];
  if (what !== undefined) throw invalidInput(`"${shorten(logical)}" ${what}: it is not a name.`, "name", hint);
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
 * Reads an id. An id inside the registry's routable space is taken as it stands. What names one of its repositories in
 * another way, by the registry's own host or as the cloud's resource, is read as that repository's id. Any other is a
 * logical name, unless it is an image reference, a URL or a cloud's resource: those are refused. A tag or a digest is
 * refused after our own host too, since it names an image.
 *
 * @throws INVALID_INPUT for an id outside the registry's own space: `..`, a URL, another host or registry's prefix
 */
export function resolveRepositoryId(id: string, space: NameSpace, field = "repoId"): RoutableName {
  const refuse = (why: string) =>
    invalidInput(`"${shorten(id)}" ${why}.`, field, "Pass the name that createRepository returned.");
  // A lone surrogate has no UTF-8 form of its own, so two names would share one hash.
  if (!id.isWellFormed()) throw invalidInput("The name is not well-formed Unicode.", field);
  if (/(?:^|[/\\])\.{1,2}(?:[/\\]|$)/.test(id)) throw refuse("contains a relative path segment");
  if (/^[/\\]/.test(id)) throw refuse("is an absolute path");
  if (inOtherSpace(id, space)) throw refuse("is outside this registry");
  if (isRoutable(id, space)) return id;
  const [what] = foreignForm(id, space) ?? [];
  if (what !== undefined) {
    const named = pathUnderHost(id, space) ?? space.readResource?.(id);
    if (named !== undefined && isRoutable(named, space)) return named;
    throw refuse(space.tellForeign?.(id) ?? `${what}: it is not the id of a repository of this registry`);
  }
  if (space.prefix !== "" && isInside(id, space)) {
    throw refuse("begins with this registry's prefix but is not a legal repository name");
  }
  if (space.elsewhere?.some((pattern) => pattern.test(id))) throw refuse("is outside this registry");
  return mapLogicalName(id, space, field);
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

/**
 * Whether a name that the platform lists is one of this registry's own. The names of others are refused, or read as logical ones.
 *
 * @param resolveId the registry's own
 */
export function isOwnName(name: string, resolveId: (repoId: string) => RoutableName): name is RoutableName {
  try {
    return resolveId(name) === name;
  } catch {
    return false;
  }
}

function isInside(id: string, { prefix, separator }: NameSpace): boolean {
  return prefix === "" || id === prefix || id.startsWith(prefix + separator);
}

/** Whether an id is a routable name as it stands. */
export function isRoutable(id: string, space: NameSpace): id is RoutableName {
  const { prefix, grammar } = space;
  if (!isInside(id, space) || id.length > grammar.maxLength || !grammar.pattern.test(id)) return false;
  if (inOtherSpace(id, space)) return false;
  // Without a prefix of our own, an image reference would be a legal name.
  if (prefix === "") return foreignForm(id, space) === undefined;
  // The prefix may begin like the host.
  const path = pathUnderHost(id, space);
  return path === undefined || !isInside(path, space);
}

/** Tells what a text is that is neither a logical name nor a routable one, and what to write for a name. */
function foreignForm(text: string, space: NameSpace): readonly [what: string, hint: string] | undefined {
  for (const [fits, what, hint] of foreignForms) if (fits.test(text)) return [what, hint];
  if (!beginsWithHost(text, space)) return undefined;
  return ["begins with the host of a registry", 'Write the name without the host, such as "my-app".'];
}

function beginsWithHost(text: string, { hosts = [] }: NameSpace): boolean {
  const [first = ""] = text.split("/", 1);
  // Hosts are the same in upper and lower case (RFC 3986, 3.2.2), and with the dot of a fully qualified name.
  const host = first.toLowerCase().replace(/\.$/, "");
  if (/.:\d+$/.test(host)) return true;
  if (registryDomains.some((domain) => host === domain || host.endsWith(`.${domain}`))) return true;
  // Without its port, a host that has no dot is a word like any other.
  const isOwn = (own: string) => host === own || (host.includes(".") && own.startsWith(`${host}:`));
  return hosts.some((own) => isOwn(own.toLowerCase()));
}

/** What follows the registry's own host in an image's URI. */
function pathUnderHost(text: string, { hosts = [] }: NameSpace): string | undefined {
  const [first = ""] = text.split("/", 1);
  if (first === text || !hosts.some((own) => own.toLowerCase() === first.toLowerCase())) return undefined;
  return text.slice(first.length + 1);
}

function mapLogicalName(logical: string, space: NameSpace, field: string): RoutableName {
  const { prefix, separator, grammar } = space;
  const front = prefix === "" ? "" : prefix + separator;
  const routable = front + fitName(logical, grammar, grammar.maxLength - front.length);
  if (routable.length > grammar.maxLength) {
    throw invalidInput("The registry's prefix leaves no room for this name.", field, "Choose a shorter, plainer name.");
  }
  // Without a prefix of our own `Team/x` becomes `team/x-…`: a name that was harmless as written may not be so when mapped.
  if (!isRoutable(routable, space)) {
    throw invalidInput(`"${shorten(logical)}" is outside this registry.`, field, "Choose another name.");
  }
  return routable;
}

/** Whether a name lies in this registry's space, or in that of another one of this installation, whatever else it is. */
export function isInAnySpace(name: string, space: NameSpace): boolean {
  return isInside(name, space) || inOtherSpace(name, space);
}

function inOtherSpace(name: string, { others = [] }: NameSpace): boolean {
  return others.some(({ prefix, separator }) => name === prefix || name.startsWith(prefix + separator));
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
