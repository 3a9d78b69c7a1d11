import { LruMap } from "./lru-map.ts";
import { createSingleFlight } from "./once.ts";
import type { ArtifactRegistry, MintedCredentials } from "./registry.ts";

const entriesAtMost = 10_000;
/** A credential is handed out again only while at least this part of its lifetime is left (the contract, "Credentials"). */
const freshPart = 0.9;

interface Minted {
  readonly credentials: MintedCredentials;
  readonly mintedAt: number;
}

/**
 * Lets a registry mint once for concurrent identical requests, and hands a fresh credential out again to the same caller for
 * the same registry, repository, permission and lifetime. It never hands one to another caller.
 *
 * @param name the registry's, part of the key
 */
export function withCredentialCache(name: string, registry: ArtifactRegistry): ArtifactRegistry {
  const minted = new LruMap<string, Minted>(entriesAtMost);
  const minting = createSingleFlight<MintedCredentials>("Minting the credentials");
  // Counts deletions: a credential that was minted during a deletion is not kept.
  const generations = new LruMap<string, number>(entriesAtMost);

  const generateCredentials: ArtifactRegistry["generateCredentials"] = async (request, call) => {
    const { name: repository, permissions, ttlSeconds } = request;
    const { issuer, subject } = call.caller;
    const generation = generations.get(repository) ?? 0;
    const key = JSON.stringify([issuer, subject, name, repository, generation, permissions, ttlSeconds]);
    const known = minted.get(key);
    if (known && isFresh(known, call.now())) return known.credentials;

    return minting(key, call.signal, async () => {
      const mintedAt = call.now().getTime();
      const credentials = await registry.generateCredentials(request, call);
      if (credentials.expiresAt) minted.set(key, { credentials, mintedAt });
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
        // After an error too: a deletion whose answer was lost may have been applied.
        generations.set(repository, (generations.get(repository) ?? 0) + 1);
      }
    },
  };
}

function isFresh({ credentials, mintedAt }: Minted, now: Date): boolean {
  if (!credentials.expiresAt) return false;
  const end = credentials.expiresAt.getTime();
  return end > now.getTime() && end - now.getTime() >= freshPart * (end - mintedAt);
}
