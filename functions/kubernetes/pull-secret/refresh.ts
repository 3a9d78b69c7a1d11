import * as v from "valibot";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { validate } from "../../../core/operation.ts";
import {
  expiresAtAnnotation,
  nodeLogin,
  type PullCredentials,
  pullSecretKey,
  pullSecretLabel,
  pullSecretManifest,
  pullSecretType,
} from "../../../core/pull-secret.ts";
import { credentials, repository } from "../../../core/schemas.ts";
import { NotYet, untilReady } from "../../../core/until-ready.ts";
import type { Backoff } from "../../../core/waiting.ts";
import type { Ask } from "./ask.ts";
import type { ClusterSecrets } from "./cluster.ts";
import type { PullSecretSettings } from "./settings.ts";

/** Credentials for every repository of one Secret. */
export interface Fetched {
  readonly entries: readonly PullCredentials[];
  /** When the first of them expires; undefined if none does. */
  readonly expiresAt: Date | undefined;
}

/**
 * Asks for credentials to pull each repository.
 *
 * @throws the function's own error; OPERATION_NOT_SUPPORTED for credentials that a node cannot use;
 *   BINDING_CONFIG_INVALID for a registry on another host than the one that the images name
 */
export async function fetchCredentials(settings: PullSecretSettings, ask: Ask, call: Call): Promise<Fetched> {
  const { registry, host, ttlSeconds } = settings;
  const entries: PullCredentials[] = [];
  const ends: number[] = [];
  for (const repoId of settings.repositories) {
    const { uri } = parseAnswer(repository, await ask("getRepository", { registry, repoId }, call));
    if (uri === undefined) throw notYet(repoId);
    if (host !== undefined && !uri.startsWith(`${host}/`)) throw otherHost(uri, host);
    const input = { registry, repoId, permissions: "pull", ...(ttlSeconds !== undefined && { ttlSeconds }) };
    const minted = parseAnswer(credentials, await ask("generateCredentials", input, call));
    const login = nodeLogin(uri, minted);
    if (login === undefined) throw notForNodes();
    entries.push(login);
    if (minted.expiresAt !== undefined) ends.push(Date.parse(minted.expiresAt));
  }
  return { entries, expiresAt: ends.length === 0 ? undefined : new Date(Math.min(...ends)) };
}

const conflictBackoff: Backoff & { readonly attempts: number } = {
  baseMs: 50,
  capMs: 500,
  jitter: "full",
  attempts: 5,
};

/**
 * Writes the credentials into the Secret, which must exist and have our label.
 *
 * @throws RESOURCE_CONFLICT for a Secret of somebody else, or one that others change at each of five tries
 */
export async function writeSecret(
  cluster: ClusterSecrets,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  { entries, expiresAt }: Fetched,
  call: Call,
): Promise<void> {
  const write = async () => {
    const before = await cluster.get(namespace, name, call);
    if (before.type !== pullSecretType || before.metadata.labels?.[pullSecretLabel] !== "true") {
      throw notOurs(namespace, name);
    }
    const { [expiresAtAnnotation]: _, ...annotations } = before.metadata.annotations ?? {};
    const manifest = pullSecretManifest({ name, namespace, expiresAt }, entries);
    const secret = {
      ...before,
      metadata: { ...before.metadata, annotations: { ...annotations, ...manifest.metadata.annotations } },
      data: { ...before.data, [pullSecretKey]: manifest.data[pullSecretKey] ?? "" },
    };
    try {
      await cluster.replace(secret, call);
    } catch (error) {
      const conflict = error instanceof ArtifactRegistryError && error.code === "RESOURCE_CONFLICT";
      throw conflict ? new NotYet(error) : error;
    }
  };
  await untilReady(write, call.signal, conflictBackoff);
}

export type Freshness = "fresh" | "short" | "gap";

/**
 * Tells whether the credentials last until they are replaced. They should last for two intervals, so that one run may fail.
 * If they last for less than one interval, pulls fail before each run.
 */
export function freshness({ expiresAt }: Fetched, intervalSeconds: number | undefined, now: Date): Freshness {
  if (expiresAt === undefined || intervalSeconds === undefined) return "fresh";
  const seconds = (expiresAt.getTime() - now.getTime()) / 1_000;
  if (seconds <= intervalSeconds) return "gap";
  // Some time passes between minting and this check.
  return seconds < 2 * intervalSeconds - 60 ? "short" : "fresh";
}

function parseAnswer<Schema extends v.GenericSchema>(schema: Schema, answer: unknown): v.InferOutput<Schema> {
  if (v.is(schema, answer)) return validate(schema, answer);
  throw new ArtifactRegistryError("UNEXPECTED_RESPONSE_FORMAT", "The function's answer is not of the expected form.");
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

function notOurs(namespace: string, name: string): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `The Secret ${namespace}/${name} is not one of ours.`, {
    hint: `It must be of type ${pullSecretType} and have the label ${pullSecretLabel}: "true".`,
  });
}
