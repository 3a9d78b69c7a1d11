import { type OperationName, operationNames, operations } from "../operations.ts";
import { type Example, examplesOf } from "./examples.ts";
import { errorResponses, namedResponses, requestIdHeader } from "./responses.ts";
import { namedSchemas, schemaOf } from "./schemas.ts";

/** The OpenAPI 3.1 document of the HTTP face, made from the schemas that validate. */
export function openApiDocument(): object {
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
    paths: {
      "/healthz": { get: plain("health", "Tell that the server is up", { status: { type: "string" } }) },
      "/openapi.json": { get: plain("openApi", "This document", {}) },
      ...Object.fromEntries(operationNames.map((name) => [`/v1/${name}`, { post: method(name) }])),
    },
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "The caller token, or a token of a trusted issuer." },
      },
      schemas: namedSchemas(),
      responses: namedResponses(),
    },
  };
}

function method(name: OperationName): object {
  const { summary, description, kind, input, output } = operations[name];
  return {
    operationId: name,
    summary,
    description,
    tags: [kind === "runtime" ? "repositories" : "registry"],
    security: [{ bearer: [] }],
    requestBody: { required: true, content: json(schemaOf(input), examplesOf(name, "request")) },
    responses: {
      "200": {
        description: "Done.",
        headers: requestIdHeader,
        content: json(schemaOf(output), examplesOf(name, "response")),
      },
      ...errorResponses,
    },
  };
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

function json(schema: object, examples?: Record<string, Example>): object {
  return { "application/json": { schema, ...(examples && { examples }) } };
}
