import { createHash, type Hash } from "node:crypto";
import { OciError } from "./errors.ts";

const digestPattern = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

/** The digest algorithms that this client can compute. */
export type Algorithm = "sha256" | "sha512";

/** Whether a text is a sha256 or a sha512 digest, `sha256:…` in lower-case hex. No other digest can be verified. */
export function isDigest(text: string): boolean {
  return digestPattern.test(text);
}

/**
 * Returns the digest of some bytes in the form that manifests use.
 *
 * @example
 * digestOf(Buffer.from("{}")); // "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
 */
export function digestOf(bytes: Uint8Array, algorithm: Algorithm = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

/** Checks that the bytes have this digest. @throws OciError `DIGEST_MISMATCH`, also for what is not a digest */
export function verify(bytes: Uint8Array, digest: string): void {
  const hash = hashFor(digest).update(bytes);
  requireMatch(hash, digest);
}

/**
 * Returns a stream with the same content. It fails with `DIGEST_MISMATCH` at its end if the content has another digest or is too
 * short, and as soon as it is too long.
 *
 * @param size the length in bytes that was promised, if one was
 * @throws OciError `DIGEST_MISMATCH` at once if `digest` is not a digest
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
        // What never ends would fill the reader's disk.
        if (size !== undefined && seen > size) throw wrongSize(digest, `more than ${size} bytes`);
        hash.update(chunk);
        controller.enqueue(chunk);
      },
      flush() {
        if (size !== undefined && seen !== size) throw wrongSize(digest, `${seen} bytes instead of ${size}`);
        requireMatch(hash, digest);
      },
    }),
  );
}

function wrongSize(digest: string, has: string): OciError {
  return new OciError(0, "DIGEST_MISMATCH", `The content of ${digest} has ${has}.`);
}

function hashFor(digest: string): Hash {
  if (!isDigest(digest))
    throw new OciError(0, "DIGEST_MISMATCH", `This is not a sha256 or sha512 digest: ${digest.slice(0, 80)}.`);
  return createHash(digest.slice(0, 6));
}

function requireMatch(hash: Hash, digest: string): void {
  const actual = `${digest.slice(0, 6)}:${hash.digest("hex")}`;
  if (actual !== digest) throw new OciError(0, "DIGEST_MISMATCH", `The content's digest is ${actual}, not ${digest}.`);
}
