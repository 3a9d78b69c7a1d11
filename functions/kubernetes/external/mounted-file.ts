import { readFile } from "node:fs/promises";
import { ArtifactRegistryError } from "../../../core/errors.ts";

/** The text of a mounted file without the line end that editors leave. @throws BINDING_CONFIG_INVALID */
export async function readText(file: string, field: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(file, "utf8")).replace(/[\r\n]+$/, "");
  } catch (error) {
    throw refused(field, file, `cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"})`, error);
  }
  if (text === "") throw refused(field, file, "is empty");
  return text;
}

export function refused(field: string, file: string, why: string, cause?: unknown): ArtifactRegistryError {
  return new ArtifactRegistryError("BINDING_CONFIG_INVALID", `The file ${file} of the binding's ${field} ${why}.`, {
    hint: "See that the Secret is mounted there and has this key.",
    context: { field, file },
    cause,
  });
}
