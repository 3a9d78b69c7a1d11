import { createHash, type Hash } from "node:crypto";
import { OciError } from "./errors.ts";

const digestPattern = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

export type Algorithm = "sha256" | "sha512";

/** Whether this is a sha256 or sha512 digest. Nothing else can be verified. */
export function isDigest(text: string): boolean {
  return digestPattern.test(text);
}

/** Returns the digest of some bytes in the form that manifests use: `sha256:…`. */
export function digestOf(bytes: Uint8Array, algorithm: Algorithm = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

/** Checks that the bytes have this digest. @throws OciError `DIGEST_MISMATCH` */
export function verify(bytes: Uint8Array, digest: string): void {
  const hash = hashFor(digest).update(bytes);
  requireMatch(hash, digest);
}

/**
 * Passes a stream on. At its end it fails with `DIGEST_MISMATCH` if the content has another digest, or not `size` bytes.
 */
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
