import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openApiDocument } from "../core/openapi/document.ts";
import { writeWholeFile } from "../core/whole-file.ts";

/** The files of `dist/openapi`, by name: the document as `/openapi.json` serves it, and the same for older generators. */
export function openApiFiles(): Readonly<Record<"openapi.json" | "openapi-3.0.json", string>> {
  // As JSON knows it: what a field does not have is gone.
  const document = JSON.parse(JSON.stringify(openApiDocument()));
  return { "openapi.json": print(document), "openapi-3.0.json": print(downgraded(document)) };
}

export async function writeOpenApi(folder = "dist/openapi"): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(openApiFiles())) await writeWholeFile(join(folder, name), text);
}

function print(document: object): string {
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

type Json = Record<string, unknown>;

/**
 * An OpenAPI 3.1 document of ours in the words of 3.0.3, which many generators of clients still ask for. What 3.0 cannot
 * say is left out or said in another way; what a schema accepts stays, with one exception: objects are open, so that a
 * client which was generated today reads the field that a later version adds.
 */
function downgraded({ info, components, paths, ...rest }: Json): Json {
  const { summary: _, license, ...facts } = info as Json;
  const { name, identifier } = license as Json;
  const { schemas, ...others } = components as Json;
  return {
    ...rest,
    openapi: "3.0.3",
    info: { ...facts, license: { name, url: `https://spdx.org/licenses/${identifier}.html` } },
    paths: schemasIn(mapped(paths as Json, (path) => mapped(path as Json, withOneKindOfError))),
    components: { ...(schemasIn(others) as Json), schemas: mapped(schemas as Json, schema) },
  };
}

/**
 * Generators of clients take one kind of error for each operation, which is ours: the answer of a server that is not ready is
 * left out, and reaches the caller as one that was not foreseen.
 */
function withOneKindOfError(operation: unknown): Json {
  const { responses, ...rest } = operation as Json;
  const kept = Object.entries(responses as Json).filter(
    ([status, answer]) => status.startsWith("2") || "$ref" in (answer as Json),
  );
  return { ...rest, responses: Object.fromEntries(kept) };
}

/** Schemas stand under `schema`; examples are values of their own, and are left alone. */
function schemasIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(schemasIn);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key === "examples") return [key, inner];
      return [key, key === "schema" ? schema(inner) : schemasIn(inner)];
    }),
  );
}

function schema(value: unknown): unknown {
  const { const: only, examples, propertyNames: _, additionalProperties, ...rest } = value as Json;
  const { properties, items, oneOf, anyOf } = rest;
  return {
    ...rest,
    ...(only !== undefined && { type: typeof only, enum: [only] }),
    ...(Array.isArray(examples) && { example: examples[0] }),
    ...(isObject(additionalProperties) && { additionalProperties: schema(additionalProperties) }),
    ...(isObject(properties) && { properties: mapped(properties, schema) }),
    ...(items !== undefined && { items: schema(items) }),
    ...(Array.isArray(oneOf) && { oneOf: oneOf.map(schema) }),
    ...(Array.isArray(anyOf) && { anyOf: anyOf.map(schema) }),
  };
}

function mapped(object: Json, change: (value: unknown) => unknown): Json {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
