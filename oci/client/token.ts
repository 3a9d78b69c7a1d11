/** Bearer tokens: how the client gets them from a registry's token service, and for how long it keeps them. */
import type { Challenge } from "./challenge.ts";
import type { Redactor } from "./errors.ts";
import { errorFrom, OciError } from "./errors.ts";
import { readLimited } from "./read.ts";

/** The lifetime of a token if nothing tells it, as the distribution project's token authentication says. */
const defaultSeconds = 60;
const maxAnswerBytes = 256 * 1024;

/** A token as the service granted it. Times are milliseconds since the epoch. */
export type Grant = {
  readonly value: string;
  /**
   * By our clock. The answer's lifetime counts from the request, or from its `issued_at` if that is earlier. An answer without a
   * lifetime lasts until the token's own `exp`.
   */
  readonly expiresAt: number;
};

interface StartedExchange {
  readonly grant: Promise<Grant>;
  /** The signal of the caller that began it. */
  readonly signal: AbortSignal | undefined;
}

/** Keeps bearer tokens by the scopes for which they were asked. Each is used until it expires, and not longer. */
export class TokenCache {
  readonly #exchanges = new Map<string, StartedExchange>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns the token that is kept under a key, or undefined if there is none, or it has expired. */
  async get(key: string): Promise<string | undefined> {
    const grant = await this.#exchanges.get(key)?.grant.catch(() => undefined);
    if (grant !== undefined && this.#now() < grant.expiresAt) return grant.value;
    return undefined;
  }

  /**
   * Gets a new token, and keeps it. `exchange` runs once for all callers that ask at the same time. If it fails because the
   * caller that began it was aborted, one of the others begins again.
   *
   * @param refused the token that the registry no longer accepts, if the caller has sent one
   * @param signal the caller's; the exchange heeds it if this call begins it
   * @throws what `exchange` throws
   */
  async renew(
    key: string,
    refused: string | undefined,
    signal: AbortSignal | undefined,
    exchange: () => Promise<Grant>,
  ): Promise<string> {
    const known = this.#exchanges.get(key);
    const current = await known?.grant.catch(() => undefined);
    const usable = current !== undefined && current.value !== refused && this.#now() < current.expiresAt;
    if (usable) return current.value;
    // Another caller may have begun an exchange while this one waited.
    const begun = this.#exchanges.get(key);
    if (begun !== undefined && begun !== known) {
      try {
        return (await begun.grant).value;
      } catch (error) {
        if (begun.signal?.aborted && !signal?.aborted) return this.renew(key, refused, signal, exchange);
        throw error;
      }
    }
    const fresh = { grant: exchange(), signal };
    this.#exchanges.set(key, fresh);
    fresh.grant.catch(() => {
      if (this.#exchanges.get(key) === fresh) this.#exchanges.delete(key);
    });
    return (await fresh.grant).value;
  }
}

/** Decides whether a token service may get the credentials. */
export type TrustRealm = (realm: URL) => boolean;

/** What {@link exchangeToken} needs: the challenge, what is asked for, and the client's own settings. */
export type Exchange = {
  /** The registry's root. */
  readonly registry: URL;
  readonly challenge: Challenge;
  readonly trustRealm: TrustRealm | undefined;
  /** What is asked for. The scopes of the challenge are not added. */
  readonly scopes: readonly string[];
  /** The value of an `Authorization` header. Without it, the token is anonymous. */
  readonly basic: string | undefined;
  readonly fetch: typeof globalThis.fetch;
  readonly signal: AbortSignal | undefined;
  readonly redactor: Redactor;
  readonly now: () => number;
};

/**
 * Asks the token service that a Bearer challenge names for a token, with a GET (token authentication of the distribution
 * project).
 *
 * @throws OciError with the answer of the token service; `REALM_REFUSED` if the service is not trusted, or its connection is
 *   less safe than the registry's; `UNEXPECTED_RESPONSE` if the answer holds no token; `NETWORK`
 */
export async function exchangeToken(input: Exchange): Promise<Grant> {
  const { challenge, redactor } = input;
  const realm = realmOf(input);
  const service = challenge.params.service;
  if (service !== undefined) realm.searchParams.set("service", service);
  for (const one of mergeScopes(...input.scopes)) realm.searchParams.append("scope", one);

  const what = `GET ${realm.origin}${realm.pathname}`;
  const asked = input.now();
  const response = await input
    .fetch(realm, {
      headers: input.basic === undefined ? {} : { authorization: input.basic },
      // A redirect could carry the password to a host that the registry did not name.
      redirect: "manual",
      signal: input.signal ?? null,
    })
    .catch((cause: unknown) => {
      input.signal?.throwIfAborted();
      throw new OciError(0, "NETWORK", `${what}: no answer came from the token service`, { cause });
    });
  if (!response.ok) throw await errorFrom(response, what, redactor.clean);

  const answer = parse(await readLimited(response, maxAnswerBytes));
  // Services that know both members may leave one of them empty.
  const value = [member(answer, "token"), member(answer, "access_token")].find((each) => each !== "" && isText(each));
  if (!isText(value)) throw new OciError(response.status, "UNEXPECTED_RESPONSE", `${what}: the answer holds no token`);
  return { value: redactor.learn(value), expiresAt: endOf(answer, value, asked) };
}

/** Tells when a token ends, in milliseconds since the epoch. @param asked when it was asked for, by our clock */
function endOf(answer: unknown, token: string, asked: number): number {
  const told = member(answer, "expires_in");
  // Some services write the number as a string, as the specification's own example once did (distribution#1746).
  const seconds = isText(told) && /^\d{1,9}$/.test(told) ? Number(told) : told;
  const named = typeof seconds === "number" && seconds > 0;
  if (!named) {
    const exp = member(parse(Buffer.from(token.split(".")[1] ?? "", "base64url")), "exp");
    if (typeof exp === "number" && Number.isFinite(exp)) return exp * 1000;
  }
  const issuedAt = Date.parse(String(member(answer, "issued_at")));
  const from = Number.isNaN(issuedAt) ? asked : Math.min(asked, issuedAt);
  return from + (named ? seconds : defaultSeconds) * 1000;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function realmOf({ challenge, registry, trustRealm }: Exchange): URL {
  const realm = URL.parse(challenge.params.realm ?? "");
  const allowed = realm?.protocol === "https:" || (realm?.protocol === "http:" && registry.protocol === "http:");
  if (realm === null || !allowed) {
    throw new OciError(401, "REALM_REFUSED", `${registry.host} names a token service that is not safe to ask.`);
  }
  if (trustRealm !== undefined && !trustRealm(realm)) {
    throw new OciError(
      401,
      "REALM_REFUSED",
      `${registry.host} sends its clients to ${realm.origin} for tokens, which is not trusted.`,
    );
  }
  return realm;
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return undefined;
  }
}

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

/**
 * Makes the scopes that the requests of this client need, in the form of the distribution project's token authentication.
 *
 * @example
 * scope.push("team/app"); // "repository:team/app:pull,push"
 */
export const scope = {
  pull: (repository: string): string => `repository:${repository}:pull`,
  push: (repository: string): string => `repository:${repository}:pull,push`,
  delete: (repository: string): string => `repository:${repository}:delete`,
  catalog: "registry:catalog:*",
} as const;

/** Returns the scopes of all lists, each once, in order. One text may hold several scopes, separated by spaces. */
export function mergeScopes(...lists: readonly (string | undefined)[]): string[] {
  return [...new Set(lists.flatMap((list) => list?.split(/\s+/) ?? []).filter((one) => one !== ""))];
}

/**
 * Decides which scopes to ask for after a challenge. What the challenge names is asked for in its own form, since token
 * services may refuse any other one: Quay answers 400 to `delete` (`endpoints/v2/v2auth.py`, `SCOPE_REGEX_TEMPLATE`).
 * What it does not name, such as the source of a mount, is asked for in ours.
 *
 * @param named the `scope` of the challenge
 * @param needed the scopes that the request needs, in our form
 * @returns the scopes to ask for, and whether they hold all that is needed as far as one can tell
 */
export function answeringScopes(
  named: string | undefined,
  needed: readonly string[],
): { readonly scopes: string[]; readonly covered: boolean } {
  const theirs = mergeScopes(named);
  const others = needed.filter((one) => !theirs.some((each) => resourceOf(each) === resourceOf(one)));
  const scopes = mergeScopes(...theirs, ...others);
  const covers = (one: string) => {
    const actions = scopes.filter((each) => resourceOf(each) === resourceOf(one)).flatMap(actionsOf);
    return actions.includes("*") || actionsOf(one).every((action) => actions.includes(action));
  };
  return { scopes, covered: needed.every(covers) };
}

function resourceOf(one: string): string {
  return one.slice(0, one.lastIndexOf(":"));
}

function actionsOf(one: string): string[] {
  return one.slice(one.lastIndexOf(":") + 1).split(",");
}
