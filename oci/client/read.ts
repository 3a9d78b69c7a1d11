import { OciError } from "./errors.ts";

/**
 * Reads a whole body.
 *
 * @throws OciError `UNEXPECTED_RESPONSE` if it has more than `limit` bytes, `NETWORK` if it is cut off
 */
export async function readLimited(response: Response, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength;
      if (size > limit)
        throw new OciError(response.status, "UNEXPECTED_RESPONSE", `an answer of more than ${limit} bytes`);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof OciError || (cause instanceof Error && cause.name === "AbortError")) throw cause;
    throw new OciError(response.status, "NETWORK", "the answer was cut off", { cause });
  }
  return Buffer.concat(chunks);
}

/** Reads a whole stream into memory. Use it only for blobs that are known to be small. */
export async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Returns the length that an answer gives for its body, in bytes, or undefined if it gives none. */
export function lengthOf(response: Response): number | undefined {
  const header = response.headers.get("content-length");
  return header === null ? undefined : Number(header);
}
