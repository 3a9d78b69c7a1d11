import { createHash } from "node:crypto";
import { followFile } from "../files.ts";
import type { TokenClaims } from "./token.ts";

/** Ends the credentials that were issued up to a second, that one included, and that fit every field which is given. */
export interface Revocation {
  /** ISO 8601. Fractions of the second do not count. */
  readonly revokedAt: string;
  readonly registry: string;
  readonly repository?: string;
  readonly permissions?: string;
  /** The subject of the credential's token, which {@link callerHash} makes. */
  readonly caller?: string;
  readonly credentialId?: string;
}

/** No more revocations are kept. */
export const maxRevocations = 10_000;
const keptMs = 366 * 24 * 60 * 60 * 1_000;

/** The list of revocations is full, and each of its entries may still be needed. */
export class RevocationsFull extends Error {}

/** Names a caller without telling who it is. Tokens and lists are read by people who need not know. */
export function callerHash(issuer: string, subject: string): string {
  return createHash("sha256")
    .update(JSON.stringify([issuer, subject]))
    .digest("base64url")
    .slice(0, 22);
}

/** Whether a token was issued for a credential that one of these ends. A token without a credential is never revoked. */
export function isRevoked(
  revocations: readonly Revocation[],
  { subject, credential }: Omit<TokenClaims, "root">,
): boolean {
  if (credential === undefined) return false;
  const { id, issuedAt, registry, repositories, permissions } = credential;
  return revocations.some(
    (each) =>
      each.registry === registry &&
      (each.repository === undefined || repositories.includes(each.repository)) &&
      (each.permissions === undefined || each.permissions === permissions) &&
      (each.caller === undefined || each.caller === subject) &&
      (each.credentialId === undefined || each.credentialId === id) &&
      issuedAt <= secondOf(each),
  );
}

/**
 * Adds a revocation to a list. What it says as well, and what is older than 366 days, is left out. If the list is still full,
 * so is what concerns only credentials that have ended.
 *
 * @param longestMs the longest life of a credential
 * @throws RevocationsFull
 */
export function withRevocation(
  list: readonly Revocation[],
  added: Revocation,
  { now, longestMs }: { now: Date; longestMs: number },
): readonly Revocation[] {
  const youngerThan = (ms: number) => (each: Revocation) => now.getTime() - Date.parse(each.revokedAt) < ms;
  let kept = list.filter((each) => youngerThan(keptMs)(each) && !includes(added, each));
  // A credential may end at the whole second that follows.
  if (kept.length >= maxRevocations) kept = kept.filter(youngerThan(longestMs + 2_000));
  if (kept.length >= maxRevocations) throw new RevocationsFull(`There are ${kept.length} revocations already.`);
  return [...kept, added];
}

/** Whether the one revocation ends everything that the other one does. */
function includes(one: Revocation, other: Revocation): boolean {
  const { revokedAt: _, ...fields } = one;
  return (
    secondOf(one) >= secondOf(other) &&
    Object.entries(fields).every(([name, value]) => other[name as keyof Revocation] === value)
  );
}

function secondOf({ revokedAt }: Revocation): number {
  return Math.floor(Date.parse(revokedAt) / 1_000);
}

/** Writes a list in the form that {@link followRevocations} reads. */
export function formatRevocations(revocations: readonly Revocation[]): string {
  return `{"revocations":[\n${revocations.map((each) => JSON.stringify(each)).join(",\n")}\n]}\n`;
}

/**
 * Reads the list in `file` whenever it has changed. No file is an empty list.
 *
 * @returns a function that throws an error naming the file if it cannot be read or is not such a list
 */
export function followRevocations(file: string): () => Promise<readonly Revocation[]> {
  const follow = followFile(file, (content) => (content === undefined ? [] : parse(content.toString())));
  return async () => {
    try {
      return await follow();
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`The list of revoked credentials ${file} cannot be read: ${why}`, { cause });
    }
  };
}

const fields = new Set(["revokedAt", "registry", "repository", "permissions", "caller", "credentialId"]);

function parse(text: string): readonly Revocation[] {
  const { revocations: list } = Object(JSON.parse(text)) as { revocations?: unknown };
  if (Array.isArray(list) && list.every(isRevocation)) return list;
  throw new Error("It is not a list of revocations.");
}

function isRevocation(value: unknown): value is Revocation {
  const { revokedAt, registry } = Object(value) as Record<string, unknown>;
  return (
    typeof registry === "string" &&
    !Number.isNaN(Date.parse(String(revokedAt))) &&
    Object.entries(Object(value)).every(([name, each]) => fields.has(name) && typeof each === "string")
  );
}
