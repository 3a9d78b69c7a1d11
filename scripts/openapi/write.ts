import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openApiDocument } from "../../core/openapi/document.ts";
import { downgraded } from "./downgrade.ts";

/** The files of `dist/openapi`, by name: the document as `/openapi.json` serves it, and the same for older generators. */
export function openApiFiles(): Readonly<Record<"openapi.json" | "openapi-3.0.json", string>> {
  // As JSON knows it: what a field does not have is gone.
  const document = JSON.parse(JSON.stringify(openApiDocument()));
  return { "openapi.json": print(document), "openapi-3.0.json": print(downgraded(document)) };
}

export async function writeOpenApi(folder = "dist/openapi"): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(openApiFiles())) await writeFile(join(folder, name), text);
}

function print(document: object): string {
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
