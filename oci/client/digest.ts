import { createHash, type Hash } from "node:crypto";
import { OciError } from "./errors.ts";

const digestPattern = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

export type Algorithm = "sha256" | "sha512";

/** True for a digest in a registered algorithm: anything else cannot be verified and is refused. */
export function isDigest(text: string): boolean {
  return digestPattern.test(text);
}

/** The digest of some bytes, as manifests write it: `sha256:…`. */
export function digestOf(bytes: Uint8Array, algorithm: Algorithm = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

/** @throws OciError `DIGEST_MISMATCH` */
export function verify(bytes: Uint8Array, digest: string): void {
  const hash = hashFor(digest).update(bytes);
  requireMatch(hash, digest);
}

/** Passes a stream on and fails it at its end if it was not what the digest says, or not as long as `size`. */
export function verifying(
  source: ReadableStream<Uint8Array>,
  digest: string,
  size: number | undefined,
): ReadableStream<Uint8Array> {
  const hash = hashFor(digest);
  let seen = 0;
  return source.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        seen += chunk.byteLength;
        hash.update(chunk);
        controller.enqueue(chunk);
      },
      flush() {
        if (size !== undefined && seen !== size) {
          throw new OciError(0, "DIGEST_MISMATCH", `expected ${size} bytes of ${digest}, got ${seen}`);
        }
        requireMatch(hash, digest);
      },
    }),
  );
}

function hashFor(digest: string): Hash {
  if (!isDigest(digest))
    throw new OciError(0, "DIGEST_MISMATCH", `not a sha256 or sha512 digest: ${digest.slice(0, 80)}`);
  return createHash(digest.slice(0, 6));
}

function requireMatch(hash: Hash, digest: string): void {
  const actual = `${digest.slice(0, 6)}:${hash.digest("hex")}`;
  if (actual !== digest) throw new OciError(0, "DIGEST_MISMATCH", `expected ${digest}, got ${actual}`);
}
