import * as v from "valibot";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import {
  dockerConfigJson,
  entriesAnnotation,
  expiresAtAnnotation,
  pullSecretKey,
  pullSecretLabel,
  pullSecretManifest,
  pullSecretType,
} from "../../../core/pull-secret.ts";
import { NotYet, untilReady } from "../../../core/until-ready.ts";
import type { Backoff } from "../../../core/waiting.ts";
import type { Cluster, ClusterSecret, NewSecret } from "./cluster.ts";
import { type Fetched, firstEnd } from "./fetch.ts";

/** What became of a repository that could not be refreshed. */
export interface Stale {
  readonly repository: string;
  /** Whether its last entry is still in the Secret. */
  readonly kept: boolean;
  /** When that entry ends. Absent where there is none, and for one that does not end. */
  readonly expiresAt?: Date | undefined;
}

const conflictBackoff: Backoff & { readonly attempts: number } = {
  baseMs: 50,
  capMs: 500,
  jitter: "full",
  attempts: 5,
};

/**
 * Writes credentials into a Secret with our label. A repository that could not be refreshed keeps its last entry until that ends.
 *
 * @param name `create` allows to make the Secret if it is not there
 * @returns what became of those that could not be refreshed
 * @throws RESOURCE_CONFLICT for a Secret of somebody else, or one that others change at each of five tries;
 *   RESOURCE_NOT_FOUND if it is not there and must not be made
 */
export async function writeSecret(
  cluster: Cluster,
  { namespace, name, create }: { readonly namespace: string; readonly name: string; readonly create: boolean },
  fetched: Fetched,
  call: Call,
): Promise<Stale[]> {
  const write = async () => {
    const before = await cluster.getSecret(namespace, name, call).catch((error: unknown) => {
      if (create && isCode(error, "RESOURCE_NOT_FOUND")) return undefined;
      throw error;
    });
    const merged = before && merge(before, fetched, call.now());
    try {
      if (merged) await cluster.replaceSecret(merged.secret, call);
      else await cluster.applySecret(newSecret(namespace, name, fetched.entries), call);
    } catch (error) {
      throw isCode(error, "RESOURCE_CONFLICT") ? new NotYet(error) : error;
    }
    return merged?.stale ?? fetched.failures.map(({ repository }) => ({ repository, kept: false }));
  };
  return untilReady(write, call.signal, conflictBackoff);
}

function newSecret(namespace: string, name: string, entries: Fetched["entries"]): NewSecret {
  const manifest = pullSecretManifest({ name, namespace, expiresAt: firstEnd(entries) }, entries);
  const annotations = { ...manifest.metadata.annotations, [entriesAnnotation]: JSON.stringify(toldOf(entries)) };
  return { ...manifest, metadata: { ...manifest.metadata, namespace, annotations } };
}

const held = v.looseObject({ auths: v.record(v.string(), v.unknown()) });
const told = v.record(v.string(), v.looseObject({ repository: v.string(), expiresAt: v.optional(v.string()) }));

/** Puts new entries in the place of old ones. What others wrote beside them stays. */
export function merge(
  before: ClusterSecret,
  { entries, failures }: Fetched,
  now: Date,
): { readonly secret: ClusterSecret; readonly stale: Stale[] } {
  if (before.type !== pullSecretType || before.metadata.labels?.[pullSecretLabel] !== "true") throw notOurs(before);
  const {
    [expiresAtAnnotation]: firstExpiry,
    [entriesAnnotation]: text = "{}",
    ...annotations
  } = before.metadata.annotations ?? {};
  const notes = read(told, text) ?? {};
  const auths = read(held, Buffer.from(before.data?.[pullSecretKey] ?? "", "base64").toString("utf8"))?.auths ?? {};
  const fresh = new Set(entries.map(({ uri }) => uri));
  const old = Object.entries(auths)
    .filter(([uri]) => !fresh.has(uri))
    // Earlier versions wrote no notes: any such entry may be that of a repository that could not be refreshed.
    .map(([uri, auth]) => ({ uri, auth, note: notes[uri] ?? { repository: undefined, expiresAt: firstExpiry } }))
    .filter(({ note: { expiresAt } }) => expiresAt === undefined || Date.parse(expiresAt) > now.getTime());
  const of = (repository: string) =>
    old.filter(({ note }) => note.repository === repository || note.repository === undefined);
  const stale = failures.map(({ repository }): Stale => {
    const [last] = of(repository);
    const expiresAt = last?.note.expiresAt;
    return { repository, kept: last !== undefined, ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt) }) };
  });
  const kept = failures.flatMap(({ repository }) => of(repository));
  const keptNotes = Object.fromEntries(
    kept.flatMap(({ uri, note }) => (note.repository === undefined ? [] : [[uri, note]])),
  );
  const end = firstEnd([...entries, ...kept.map(({ note }) => ({ expiresAt: dateOf(note.expiresAt) }))]);
  const secret = {
    ...before,
    metadata: {
      ...before.metadata,
      annotations: {
        ...annotations,
        ...(end && { [expiresAtAnnotation]: end.toISOString() }),
        [entriesAnnotation]: JSON.stringify({ ...keptNotes, ...toldOf(entries) }),
      },
    },
    data: {
      ...before.data,
      [pullSecretKey]: dockerConfigJson(entries, Object.fromEntries(kept.map(({ uri, auth }) => [uri, auth]))).reveal(),
    },
  };
  return { secret, stale };
}

function toldOf(entries: Fetched["entries"]): Record<string, { repository: string; expiresAt?: string }> {
  return Object.fromEntries(
    entries.map(({ uri, repository, expiresAt }) => [
      uri,
      { repository, ...(expiresAt && { expiresAt: expiresAt.toISOString() }) },
    ]),
  );
}

function dateOf(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text);
}

/** Reads what stands in the Secret. What cannot be understood was not written by us, and counts as nothing. */
function read<Schema extends v.GenericSchema>(schema: Schema, text: string): v.InferOutput<Schema> | undefined {
  try {
    const parsed = v.safeParse(schema, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof ArtifactRegistryError && error.code === code;
}

function notOurs({ metadata: { namespace, name } }: ClusterSecret): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `The Secret ${namespace}/${name} is not one of ours.`, {
    hint: `It must be of type ${pullSecretType} and have the label ${pullSecretLabel}: "true".`,
  });
}
