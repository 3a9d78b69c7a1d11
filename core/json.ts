import { ArtifactRegistryError, invalidInput } from "./errors.ts";

/** The most bytes that a request body may have. */
export const bodyLimit = 64 * 1024;
const depthLimit = 16;

/**
 * Reads a JSON body. It never holds much more than the limit in memory.
 *
 * @throws PAYLOAD_TOO_LARGE over 64 KiB; INVALID_INPUT for what is not JSON, not UTF-8, or nested too deep
 */
export async function readJson(body: AsyncIterable<Uint8Array> | null): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > bodyLimit) throw tooLarge();
    chunks.push(chunk);
  }
  return parseBytes(Buffer.concat(chunks));
}

/** Does what `readJson` does, with bytes that have arrived already. */
export function parseBytes(bytes: Uint8Array): unknown {
  if (bytes.byteLength > bodyLimit) throw tooLarge();
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalidInput("The body is not UTF-8.");
  }
  return parseJson(text);
}

/** Does what `readJson` does, with text that has arrived already. It does not look at the size. */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidInput("The body is not JSON.", undefined, "Send one JSON object.");
  }
  refuseDepth(value);
  return value;
}

/** Checks the limits of `readJson` on a payload that the platform has parsed already. @returns the payload */
export function checkPayload(value: unknown): unknown {
  refuseDepth(value);
  if (Buffer.byteLength(JSON.stringify(value) ?? "", "utf8") > bodyLimit) throw tooLarge();
  return value;
}

function refuseDepth(value: unknown): void {
  let level = [value].filter(isContainer);
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > depthLimit) throw invalidInput(`The body is nested deeper than ${depthLimit} levels.`);
    level = level.flatMap((each) => Object.values(each)).filter(isContainer);
  }
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function tooLarge(): ArtifactRegistryError {
  return new ArtifactRegistryError("PAYLOAD_TOO_LARGE", `The body is larger than ${bodyLimit} bytes.`, {
    hint: "Send fewer accesses at a time.",
  });
}
