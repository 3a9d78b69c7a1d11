import { randomUUID } from "node:crypto";
import type { Call } from "./call.ts";
import { ArtifactRegistryError, invalidInput } from "./errors.ts";
import type { RoutableName } from "./names.ts";
import type { Bounds } from "./operation.ts";
import type { ArtifactRegistry } from "./registry.ts";
import type { ArtifactRegistryCredentials, Permissions } from "./schemas.ts";

/** The input of `generateCredentials`. */
export interface MintingInput {
  readonly repoId: string;
  readonly permissions: Permissions;
  readonly ttlSeconds?: number | undefined;
  readonly alsoPull?: readonly string[] | undefined;
  readonly region?: string | undefined;
}

/**
 * Mints what the rules have allowed already, and checks that the platform gave nothing wider or longer.
 *
 * @throws ACCESS_DENIED where the platform lets no credential end as early as the rules say
 */
export async function mintCredentials(
  registry: ArtifactRegistry,
  input: MintingInput,
  call: Call,
  { maxTtlSeconds, tell }: Bounds,
): Promise<ArtifactRegistryCredentials> {
  const newId = randomUUID();
  const { repoId, permissions, ttlSeconds, region } = input;
  if (region !== undefined && !registry.mintsByRegion) {
    throw invalidInput("Credentials of this registry count wherever it is reached.", "region", "Leave the region out.");
  }
  // Credentials for the whole registry pull from every repository anyway.
  const alsoPull = registry.capabilities.credentials.scope === "registry" ? [] : furtherRepositories(registry, input);
  const asked = {
    name: registry.resolveId(repoId),
    permissions,
    ...(region !== undefined && { region }),
    ttlSeconds: cappedTtl(registry, ttlSeconds, maxTtlSeconds),
    ...(alsoPull.length > 0 && { alsoPull }),
  };
  const minted = await registry.generateCredentials({ ...asked, credentialId: newId }, call);
  const { expiresAt, password, credentialId = newId, stillCounts: _, ...rest } = minted;
  const grantedSeconds = expiresAt && Math.round((expiresAt.getTime() - call.now().getTime()) / 1_000);
  if (maxTtlSeconds !== undefined && !(grantedSeconds && grantedSeconds <= maxTtlSeconds + clockSkewSeconds)) {
    throw livesTooLong(registry, maxTtlSeconds);
  }
  // What was allowed was allowed for the scope that the platform declared; anything wider is not handed out.
  if (minted.scope === "registry" && registry.capabilities.credentials.scope !== "registry") {
    throw new ArtifactRegistryError("INTERNAL_ERROR", "The platform minted a wider credential than it declares.");
  }
  tell({
    credentialId,
    reused: credentialId !== newId,
    ...(expiresAt && { expiresAt: expiresAt.toISOString(), grantedSeconds }),
  });
  return {
    ...rest,
    credentialId,
    password: password.reveal(),
    ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
  };
}

/**
 * The repositories beside `repoId` that credentials are to pull from, each once.
 *
 * @throws INVALID_INPUT that names the place of an id outside the registry, as `alsoPull.2`
 */
export function furtherRepositories(
  registry: ArtifactRegistry,
  { repoId, alsoPull = [] }: Pick<MintingInput, "repoId" | "alsoPull">,
): RoutableName[] {
  const names = new Set(alsoPull.map((id, place) => resolveAt(registry, id, `alsoPull.${place}`)));
  names.delete(registry.resolveId(repoId));
  return [...names];
}

function resolveAt(registry: ArtifactRegistry, id: string, field: string): RoutableName {
  try {
    return registry.resolveId(id);
  } catch (error) {
    if (!(error instanceof ArtifactRegistryError) || error.code !== "INVALID_INPUT") throw error;
    throw invalidInput(error.message, field, error.hint);
  }
}

/** Seconds by which the platform's clock may differ from ours. */
const clockSkewSeconds = 60;

/**
 * The lifetime to ask the platform for, where a rule bounds it.
 *
 * @throws ACCESS_DENIED where the platform's shortest lifetime is longer than the rule allows
 */
function cappedTtl(registry: ArtifactRegistry, ttlSeconds: number | undefined, maxTtlSeconds: number | undefined) {
  const limits = registry.capabilities.credentials.ttlSeconds;
  // Without limits the platform sets the lifetime alone: what it set is looked at afterwards.
  if (maxTtlSeconds === undefined || limits === undefined) return ttlSeconds;
  if (limits.min > maxTtlSeconds) throw livesTooLong(registry, maxTtlSeconds);
  return Math.min(ttlSeconds ?? limits.default, maxTtlSeconds);
}

function livesTooLong(registry: ArtifactRegistry, maxTtlSeconds: number): ArtifactRegistryError {
  const { ttlSeconds } = registry.capabilities.credentials;
  const how =
    ttlSeconds === undefined ? "The platform sets the lifetime by itself." : `The shortest is ${ttlSeconds.min} s.`;
  return new ArtifactRegistryError(
    "ACCESS_DENIED",
    `The caller's rule allows credentials of at most ${maxTtlSeconds} s, and those of this registry live longer.`,
    {
      hint: `${how} The operator can raise "maxTtlSeconds" in the caller's rule in ALIEN_ACCESS_RULES.`,
      context: { field: "maxTtlSeconds" },
    },
  );
}
