import { toJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import { type ErrorCode, statusOf } from "../errors.ts";
import { type OperationName, operationNames, operations } from "../operations.ts";
import { capabilities, granteeAccess, image, pageToken } from "../registry-schemas.ts";
import * as schema from "../schemas.ts";
import { type Example, errorExamples, examplesOf } from "./examples.ts";

/** Makes the OpenAPI 3.1 document of what the suite serves over HTTP, from the schemas that validate requests. */
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
      "/livez": { get: plain("live", "Tell that the server is up", { status: { type: "string" } }) },
      "/readyz": { get: ready() },
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

function plain(operationId: string, summary: string, properties: object) {
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

/** `GET /readyz`, which alone says 503 for a server that is well but should get no requests. */
function ready(): object {
  const properties = {
    status: { type: "string", enum: ["ready", "starting", "stopping"] },
    findings: { type: "array", items: { $ref: "#/components/schemas/Finding" } },
  };
  const { responses, ...rest } = plain("ready", "Tell whether requests should come", properties);
  const unready = { ...responses["200"], description: "Not yet, or not any more." };
  return { ...rest, responses: { ...responses, "503": unready } };
}

function json(schema: object, examples?: Record<string, Example>): object {
  return { "application/json": { schema, ...(examples && { examples }) } };
}

const requestIdHeader = {
  "x-request-id": { description: "Names this request in the audit log.", schema: { type: "string" } },
};

const statuses = [...new Set([...Object.values(statusOf), 405])].sort((a, b) => a - b);

/** The refusals by status, as each operation refers to them. */
const errorResponses: Readonly<Record<string, object>> = Object.fromEntries(
  statuses.map((status) => [String(status), { $ref: `#/components/responses/${nameOf(status)}` }]),
);

/** `components.responses` of the document: one for each status, with an example for each code. */
function namedResponses(): Record<string, object> {
  return Object.fromEntries(statuses.map((status) => [nameOf(status), responseOf(status)]));
}

function responseOf(status: number): object {
  const codes = codesOf(status);
  return {
    description: codes.length > 0 ? `${codes.join(", ")}.` : "Another method is meant.",
    headers: {
      ...requestIdHeader,
      ...((status === 429 || status === 503) && {
        "retry-after": { description: "Seconds to wait.", schema: { type: "integer" } },
      }),
    },
    content: {
      "application/json": { schema: { $ref: "#/components/schemas/Error" }, examples: errorExamples(status, codes) },
    },
  };
}

function codesOf(status: number): ErrorCode[] {
  return (Object.keys(statusOf) as ErrorCode[]).filter((code) => statusOf[code] === status);
}

function nameOf(status: number): string {
  return `Error${status}`;
}

const error = v.strictObject({ ...schema.errorJson.entries, code: v.picklist(Object.keys(statusOf)) });

/** The schemas that have a name in the document, so that a generated client has one type for each. */
const named: Readonly<Record<string, v.GenericSchema>> = {
  AccountId: schema.accountId,
  ArtifactRegistryCredentials: schema.credentials,
  ArtifactRegistryPermissions: schema.permissions,
  AuthMethod: schema.authMethod,
  Caller: schema.caller,
  Capabilities: capabilities,
  CredentialId: schema.credentialId,
  CrossAccountAccess: schema.crossAccountAccess,
  CrossAccountPermissions: schema.crossAccountPermissions,
  Error: error,
  ErrorCode: error.entries.code,
  Finding: schema.finding,
  GranteeAccess: granteeAccess,
  Health: schema.health,
  Image: image,
  LeftOut: schema.leftOut,
  LogicalName: schema.logicalName,
  PageToken: pageToken,
  Password: schema.password,
  ProjectNumber: schema.projectNumber,
  Region: schema.region,
  RegistryName: schema.registryName,
  RepositoryId: schema.repositoryId,
  RepositoryResponse: schema.repository,
  RevokedAccess: schema.revokedAccess,
  RoleArn: schema.roleArn,
  Scope: schema.scope,
  ServiceAccountEmail: schema.serviceAccountEmail,
  ServiceType: schema.serviceType,
  Unmanaged: schema.unmanaged,
};

/** `components.schemas` of the document. */
function namedSchemas(): Record<string, object> {
  const convert = ([name, each]: [string, v.GenericSchema]) => [name, convertedWith(each, without(name))];
  return Object.fromEntries(Object.entries(named).map(convert));
}

/** Turns a schema of ours into JSON Schema 2020-12. A schema that has a name is referred to by its name. */
function schemaOf(schema: v.GenericSchema): object {
  return convertedWith(schema, named);
}

/** All named schemas but one: a schema refers to the others by their names, and is itself written out. */
function without(name: string): typeof named {
  const { [name]: _, ...others } = named;
  return others;
}

function convertedWith(schema: v.GenericSchema, definitions: typeof named): object {
  const {
    $schema: _,
    $defs: __,
    ...rest
  } = toJsonSchema(schema, {
    target: "draft-2020-12",
    errorMode: "throw",
    typeMode: "input",
    definitions,
    overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
    // JavaScript needs a flag for Unicode patterns. JSON Schema needs none, because all its patterns are.
    overrideAction: ({ valibotAction, jsonSchema }) =>
      isRegex(valibotAction) ? { ...jsonSchema, pattern: valibotAction.requirement.source } : undefined,
  });
  return rest;
}

function isRegex(action: { readonly type: string }): action is v.RegexAction<string, undefined> {
  return action.type === "regex";
}
