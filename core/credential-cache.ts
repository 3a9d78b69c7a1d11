import { randomUUID } from "node:crypto";
import { race } from "./call.ts";
import { ArtifactRegistryError } from "./errors.ts";
import { LruMap } from "./lru-map.ts";
import type { ArtifactRegistry, CredentialRequest, MintedCredentials } from "./registry.ts";

/** How many callers, and how many credentials of each, are remembered. */
const limits = { callers: 10_000, credentials: 100, repositories: 10_000 } as const;
/** A credential is handed out again only while at least this part of its lifetime is left (the contract, "Credentials"). */
const freshPart = 0.9;

interface Minted {
  readonly credentials: MintedCredentials;
  readonly mintedAt: number;
  readonly expiresAt: Date;
}

/**
 * Lets a registry mint once for concurrent identical requests, and hands a fresh credential out again to the same caller for
 * the same registry, repositories, permission and lifetime. It never hands one to another caller, and no caller can push
 * another's out.
 *
 * A deletion of a repository ends the use of all credentials that are kept and open it, and a revoked one is never handed out
 * again. At most 100 are kept for each of 10,000 callers.
 *
 * @param name the name of the registry. It is a part of the key
 * @returns the registry with a `generateCredentials` that throws what the registry's own throws, and TIMEOUT (retryable) for a
 *   caller whose time ends while another one's request is still minting
 *
 * @example
 * const directory = createDirectory(platform, env, names, withCredentialCache);
 */
export function withCredentialCache(name: string, registry: ArtifactRegistry): ArtifactRegistry {
  const mintedFor = new Map<string, LruMap<string, Minted>>();
  const minting = createSingleFlight<MintedCredentials>("Minting the credentials");
  // Counts deletions: a credential that was minted during a deletion is not kept.
  const generations = new LruMap<string, number>(limits.repositories);

  const keep = (caller: string, key: string, minted: Minted, now: Date) => {
    let own = mintedFor.get(caller);
    if (own === undefined) {
      if (mintedFor.size >= limits.callers) {
        for (const [each, theirs] of mintedFor) if (!theirs.some((one) => isFresh(one, now))) mintedFor.delete(each);
      }
      // Whoever came first stays: the others are only served more slowly.
      if (mintedFor.size >= limits.callers) return;
      own = new LruMap(limits.credentials);
      mintedFor.set(caller, own);
    }
    own.set(key, minted);
  };

  const generateCredentials: ArtifactRegistry["generateCredentials"] = async (request, call) => {
    const { name: repository, alsoPull = [], permissions, region } = request;
    const { issuer, subject } = call.caller;
    const caller = JSON.stringify([issuer, subject]);
    const opened = [repository, ...alsoPull.toSorted()].map((each) => [each, generations.get(each) ?? 0]);
    const key = JSON.stringify([name, opened, permissions, region, lifetimeOf(registry, request)]);
    const known = mintedFor.get(caller)?.get(key);
    if (known && isFresh(known, call.now())) {
      const { stillCounts } = known.credentials;
      if (stillCounts === undefined || (await stillCounts(call.now()))) return known.credentials;
    }

    return minting(`${caller}${key}`, call.signal, async () => {
      const mintedAt = call.now().getTime();
      const { credentialId = randomUUID() } = request;
      const credentials = { ...(await registry.generateCredentials({ ...request, credentialId }, call)), credentialId };
      const { expiresAt } = credentials;
      if (expiresAt) keep(caller, key, { credentials, mintedAt, expiresAt }, call.now());
      return credentials;
    });
  };

  return {
    ...registry,
    generateCredentials,
    async deleteRepository(repository, call) {
      try {
        await registry.deleteRepository(repository, call);
      } finally {
        // Counted after an error, too, because a deletion whose answer was lost may have been applied.
        generations.set(repository, (generations.get(repository) ?? 0) + 1);
      }
    },
  };
}

/** What the platform makes of the lifetime that is asked for: wishes that come to the same must not mint twice. */
function lifetimeOf({ capabilities }: ArtifactRegistry, { ttlSeconds }: CredentialRequest): number | undefined {
  const bounds = capabilities.credentials.ttlSeconds;
  if (bounds === undefined) return undefined;
  return Math.min(Math.max(ttlSeconds ?? bounds.default, bounds.min), bounds.max);
}

function isFresh({ mintedAt, expiresAt }: Minted, now: Date): boolean {
  const end = expiresAt.getTime();
  return end > now.getTime() && end - now.getTime() >= freshPart * (end - mintedAt);
}

/** Runs work once for all who want the same at the same time. Nothing is kept for those who come later. */
export type SingleFlight<T> = (key: string, signal: AbortSignal, work: () => Promise<T>) => Promise<T>;

/**
 * The first one who asks begins the work, at once and under its own signal, and the others wait for the result. If the work
 * fails, all of them get the error. If it failed only because the signal of the first one fired, another one begins anew.
 *
 * @param what names the work in the error of those who waited too long, at the beginning of a sentence
 * @returns a function that throws what the work throws, and TIMEOUT (retryable) to a waiting caller whose own signal fires
 *
 * @example
 * const flights = createSingleFlight<Token>("The exchange with the registry");
 * const token = await flights(registry, call.signal, () => exchange(call));
 */
export function createSingleFlight<T>(what: string): SingleFlight<T> {
  const flights = new Map<string, { readonly result: Promise<T>; readonly signal: AbortSignal }>();

  const join: SingleFlight<T> = async (key, signal, work) => {
    const begun = flights.get(key);
    if (begun === undefined) {
      const result = (async () => work())().finally(() => flights.delete(key));
      flights.set(key, { result, signal });
      return result;
    }
    try {
      return await race(begun.result, signal);
    } catch (error) {
      if (signal.aborted && !(error instanceof ArtifactRegistryError)) throw tooLate(what, error);
      if (begun.signal.aborted && !signal.aborted) return join(key, signal, work);
      throw error;
    }
  };
  return join;
}

function tooLate(what: string, cause: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("TIMEOUT", `${what} did not end in time.`, { retryable: true, cause });
}
