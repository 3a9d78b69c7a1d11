import { toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import { statusOf } from "./errors.ts";
import { operations } from "./operations.ts";
import { errorJson } from "./schemas.ts";

/** The OpenAPI 3.1 document of the HTTP face, made from the schemas that validate. */
export function openApiDocument(): object {
  const paths: Record<string, object> = {
    "/healthz": { get: plain("health", "Tell that the server is up", { status: { type: "string" } }) },
    "/openapi.json": { get: plain("openApi", "This document", {}) },
  };
  for (const [name, operation] of Object.entries(operations)) {
    paths[`/v1/${name}`] = {
      post: {
        operationId: name,
        summary: operation.summary,
        description: operation.description,
        tags: [operation.kind === "runtime" ? "repositories" : "registry"],
        security: [{ bearer: [] }],
        requestBody: { required: true, content: json(schemaOf(operation.input)) },
        responses: {
          "200": { description: "Done.", headers: requestIdHeader, content: json(schemaOf(operation.output)) },
          ...errorResponses,
        },
      },
    };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "artifact-registry functions",
      version: "1.0.0",
      summary: "Container repositories, short-lived credentials and cross-account pulls.",
      description: "The same operations on every platform. Every error has the same form; `hint` says what to do.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    tags: [
      { name: "repositories", description: "Repositories, credentials and access." },
      { name: "registry", description: "The registry itself." },
      { name: "service", description: "The server itself." },
    ],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "The caller token, or a token of a trusted issuer." },
      },
      schemas: { Error: errorSchema() },
    },
  };
}

const requestIdHeader = {
  "x-request-id": { description: "Names this request in the audit log.", schema: { type: "string" } },
};

const statuses = [...new Set([...Object.values(statusOf), 405])].sort((a, b) => a - b);

const errorResponses = Object.fromEntries(
  statuses.map((status) => {
    const codes = Object.entries(statusOf).filter(([, each]) => each === status);
    return [
      String(status),
      {
        description: codes.length > 0 ? `${codes.map(([code]) => code).join(", ")}.` : "Another method is meant.",
        headers: {
          ...requestIdHeader,
          ...((status === 429 || status === 503) && {
            "retry-after": { description: "Seconds to wait.", schema: { type: "integer" } },
          }),
        },
        content: json({ $ref: "#/components/schemas/Error" }),
      },
    ];
  }),
);

function errorSchema(): object {
  const schema = schemaOf(errorJson) as { properties: Record<string, object> };
  schema.properties.code = { type: "string", enum: Object.keys(statusOf) };
  return schema;
}

function plain(operationId: string, summary: string, properties: object): object {
  return {
    operationId,
    summary,
    tags: ["service"],
    security: [],
    responses: {
      "200": { description: "Done.", headers: requestIdHeader, content: json({ type: "object", properties }) },
      "405": errorResponses["405"],
    },
  };
}

function json(schema: object): object {
  return { "application/json": { schema } };
}

function schemaOf(schema: v.GenericSchema): object {
  const { $schema: _, ...rest } = toJsonSchema(schema, {
    target: "draft-2020-12",
    errorMode: "throw",
    typeMode: "input",
    // Patterns of JSON Schema are Unicode patterns already: the flag that asks for it in JavaScript is no loss.
    overrideAction: ({ valibotAction, jsonSchema }) =>
      isRegex(valibotAction) ? { ...jsonSchema, pattern: valibotAction.requirement.source } : undefined,
  });
  return rest;
}

function isRegex(action: { readonly type: string }): action is v.RegexAction<string, undefined> {
  return action.type === "regex";
}
