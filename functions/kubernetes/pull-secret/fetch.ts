import * as v from "valibot";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { validate } from "../../../core/operation.ts";
import { nodeLogin, type PullCredentials } from "../../../core/pull-secret.ts";
import { credentials, repository } from "../../../core/schemas.ts";
import type { Ask } from "./ask.ts";
import type { PullSecretSettings } from "./settings.ts";

/** Credentials to pull one repository. */
export interface FetchedEntry extends PullCredentials {
  /** The repository as the settings name it. */
  readonly repository: string;
  /** Undefined if they do not end. */
  readonly expiresAt: Date | undefined;
}

/** A repository for which no credentials could be had. */
export interface Failure {
  readonly repository: string;
  readonly error: unknown;
}

/** What came of asking for every repository of a Secret. */
export interface Fetched {
  readonly entries: readonly FetchedEntry[];
  readonly failures: readonly Failure[];
}

/**
 * Asks for credentials to pull each repository. One that cannot be had keeps no other from being refreshed. The errors are the
 * function's own; OPERATION_NOT_SUPPORTED for credentials that a node cannot use; BINDING_CONFIG_INVALID for a registry on another
 * host than the one that the images name.
 */
export async function fetchCredentials(settings: PullSecretSettings, ask: Ask, call: Call): Promise<Fetched> {
  const entries: FetchedEntry[] = [];
  const failures: Failure[] = [];
  for (const repoId of settings.repositories) {
    try {
      entries.push(await fetchOne(settings, repoId, ask, call));
    } catch (error) {
      failures.push({ repository: repoId, error });
    }
  }
  return { entries, failures };
}

async function fetchOne(
  { registry, host, ttlSeconds }: PullSecretSettings,
  repoId: string,
  ask: Ask,
  call: Call,
): Promise<FetchedEntry> {
  const { uri } = parseAnswer(repository, await ask("getRepository", { registry, repoId }, call));
  if (uri === undefined) throw notYet(repoId);
  if (host !== undefined && !uri.startsWith(`${host}/`)) throw otherHost(uri, host);
  const input = { registry, repoId, permissions: "pull", ...(ttlSeconds !== undefined && { ttlSeconds }) };
  const minted = parseAnswer(credentials, await ask("generateCredentials", input, call));
  const login = nodeLogin(uri, minted);
  if (login === undefined) throw notForNodes();
  const expiresAt = minted.expiresAt === undefined ? undefined : new Date(minted.expiresAt);
  return { ...login, repository: repoId, expiresAt };
}

function parseAnswer<Schema extends v.GenericSchema>(schema: Schema, answer: unknown): v.InferOutput<Schema> {
  if (v.is(schema, answer)) return validate(schema, answer);
  throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "The function's answer is not of the expected form.");
}

/** When the first of some credentials ends; undefined if none does. */
export function firstEnd(entries: readonly { readonly expiresAt?: Date | undefined }[]): Date | undefined {
  const ends = entries.flatMap(({ expiresAt }) => (expiresAt === undefined ? [] : [expiresAt.getTime()]));
  return ends.length === 0 ? undefined : new Date(Math.min(...ends));
}

export type Freshness = "fresh" | "short" | "gap";

/**
 * Tells whether credentials last until they are replaced. They should last for two intervals, so that one run may fail.
 * If they last for less than one interval, pulls fail before each run.
 *
 * @param expiresAt when the first of them ends
 */
export function freshness(expiresAt: Date | undefined, intervalSeconds: number | undefined, now: Date): Freshness {
  if (expiresAt === undefined || intervalSeconds === undefined) return "fresh";
  const seconds = (expiresAt.getTime() - now.getTime()) / 1_000;
  if (seconds <= intervalSeconds) return "gap";
  // Some time passes between minting and this check.
  return seconds < 2 * intervalSeconds - 60 ? "short" : "fresh";
}

function notYet(repoId: string): ArtifactRegistryError {
  return new ArtifactRegistryError("SERVICE_UNAVAILABLE", `The repository "${repoId}" has no URI yet.`, {
    retryable: true,
    hint: "The repository is being created. The next run will find it.",
  });
}

function otherHost(uri: string, host: string): ArtifactRegistryError {
  return new ArtifactRegistryError(
    "BINDING_CONFIG_INVALID",
    `The registry is at ${uri.split("/")[0]}, not at ${host}, which the images name.`,
    { hint: "Correct PULL_SECRET_HOST, or the registry's binding: a node would never use these credentials." },
  );
}

function notForNodes(): ArtifactRegistryError {
  return new ArtifactRegistryError("OPERATION_NOT_SUPPORTED", "This registry's credentials are tokens for its API.", {
    hint: "A node of a cluster can only use a user name and a password. Use the registry's own accounts for pull secrets.",
  });
}
