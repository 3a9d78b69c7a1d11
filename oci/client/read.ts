import { OciError } from "./errors.ts";

/**
 * Reads the whole body of an answer into memory.
 *
 * @param limit the most bytes that it may have
 * @throws OciError `UNEXPECTED_RESPONSE` if it has more than `limit` bytes, `NETWORK` if it is cut off
 */
export async function readLimited(response: Response, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength;
      if (size > limit)
        throw new OciError(response.status, "UNEXPECTED_RESPONSE", `The answer has more than ${limit} bytes.`);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof OciError || (cause instanceof Error && cause.name === "AbortError")) throw cause;
    throw new OciError(response.status, "NETWORK", "The answer was cut off.", { cause });
  }
  return Buffer.concat(chunks);
}

/**
 * Reads a whole stream into memory. Use it only for blobs that are known to be small.
 *
 * @throws what the stream fails with, such as OciError `DIGEST_MISMATCH`
 *
 * @example
 * const { stream } = await client.pullBlob("team/app", digest);
 * const config = JSON.parse((await bytesOf(stream)).toString());
 */
export async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Returns the `Content-Length` of an answer, in bytes, or undefined if it has none. */
export function lengthOf(response: Response): number | undefined {
  const header = response.headers.get("content-length");
  return header === null ? undefined : Number(header);
}
