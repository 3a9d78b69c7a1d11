import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { statusOf } from "../../core/errors.ts";
import { openApiDocument } from "../../core/openapi/document.ts";
import { operationNames, operations } from "../../core/operations.ts";
import { errorJson } from "../../core/schemas.ts";
import { createSuite, post } from "../support/application.ts";
import { goodInputs } from "../support/inputs.ts";

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly pattern?: string;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
}
interface Content {
  readonly "application/json": {
    readonly schema: Schema;
    readonly examples?: Readonly<Record<string, { readonly value: object }>>;
  };
}
interface Answer {
  readonly description: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly content: Content;
}
interface Method {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly security: readonly unknown[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, Answer>>;
}
interface Document {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, { readonly get?: Method; readonly post?: Method }>>;
  readonly components: {
    readonly schemas: { readonly Error: Schema };
    readonly securitySchemes: Record<string, unknown>;
  };
}

// As it goes over the wire: what JSON cannot carry is gone.
const published = JSON.parse(JSON.stringify(openApiDocument()));
const document = resolved(published) as Document;
const methods = Object.entries(document.paths).flatMap(([path, item]) =>
  [item.get, item.post].filter((method) => method !== undefined).map((method) => [path, method] as const),
);

/** The value with every reference replaced by what it names: a reference to nothing throws. */
function resolved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(resolved);
  if (typeof value !== "object" || value === null) return value;
  if (!("$ref" in value)) return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolved(each)]));
  const [, kind = "", name = ""] = /^#\/components\/(\w+)\/(\w+)$/.exec(String(value.$ref)) ?? [];
  const target: unknown = published.components[kind]?.[name];
  if (target === undefined || Object.keys(value).length > 1) throw new Error(`No such reference: ${value.$ref}`);
  return resolved(target);
}

function examplesIn(content: Content | undefined): object[] {
  return Object.values(content?.["application/json"].examples ?? {}).map(({ value }) => value);
}

function posted(name: string): Method {
  const method = document.paths[`/v1/${name}`]?.post;
  if (!method) throw new Error(`There is no POST /v1/${name}.`);
  return method;
}

/** Every schema inside a schema, itself included. */
function within(schema: Schema): Schema[] {
  const children = [...Object.values(schema.properties ?? {}), ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  if (schema.items) children.push(schema.items);
  return [schema, ...children.flatMap(within)];
}

test("is OpenAPI 3.1 with exactly the routes that there are", () => {
  expect(document.openapi).toBe("3.1.0");
  expect(Object.keys(document.paths).sort()).toEqual(
    ["/livez", "/readyz", "/healthz", "/openapi.json", ...operationNames.map((name) => `/v1/${name}`)].sort(),
  );
});

test("every operation has an id of its own, a summary, and tags that are explained", () => {
  expect(new Set(methods.map(([, method]) => method.operationId)).size).toBe(methods.length);
  const tags = document.tags.map(({ name }) => name);
  for (const [, method] of methods) {
    expect(method.summary).not.toBe("");
    expect(tags).toEqual(expect.arrayContaining([...method.tags]));
  }
});

test("only the operations ask for a caller", () => {
  for (const [path, { security }] of methods) {
    expect(security).toEqual(path.startsWith("/v1/") ? [{ bearer: [] }] : []);
  }
  expect(Object.keys(document.components.securitySchemes)).toEqual(["bearer"]);
});

describe.each(operationNames)("%s", (name) => {
  const method = posted(name);
  const input = method.requestBody?.content["application/json"].schema ?? {};

  test("documents every status that an operation can answer with", () => {
    const statuses = ["200", "405", ...Object.values(statusOf).map(String)];
    expect(Object.keys(method.responses).sort()).toEqual([...new Set(statuses)].sort());
    for (const [status, answer] of Object.entries(method.responses)) {
      expect(Object.keys(answer.headers)).toContain("x-request-id");
      expect("retry-after" in answer.headers).toBe(status === "429" || status === "503");
      const { schema } = answer.content["application/json"];
      if (status !== "200") expect(schema).toEqual(document.components.schemas.Error);
    }
  });

  test("names every code at its status", () => {
    for (const [code, status] of Object.entries(statusOf)) {
      expect(method.responses[status]?.description).toMatch(new RegExp(`\\b${code}\\b`));
    }
  });

  test("its input schema says what the validator does", () => {
    expect(method.requestBody?.required).toBe(true);
    expect(input).toMatchObject({ type: "object", additionalProperties: false });
    for (const field of input.required ?? []) {
      const { [field]: _, ...rest } = goodInputs[name];
      expect(() => operations[name].parse(rest)).toThrow(`"${field}" is missing`);
    }
    expect([...(input.required ?? [])].sort()).toEqual(Object.keys(goodInputs[name]).sort());
  });

  test("no object in its input or output takes unknown fields", () => {
    const output = method.responses["200"]?.content["application/json"].schema ?? {};
    const maps = new Set(["binding", "unsupported"]);
    const visit = (schema: Schema, field: string): void => {
      if (schema.type === "object" && !maps.has(field))
        expect([field, schema.additionalProperties]).toEqual([field, false]);
      for (const [key, child] of Object.entries(schema.properties ?? {})) visit(child, key);
      for (const child of [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.items ? [schema.items] : [])]) {
        visit(child, field);
      }
    };
    visit(input, "input");
    visit(output, "output");
  });

  test("every example passes the validator, and every pattern is one", () => {
    for (const [field, schema] of Object.entries(input.properties ?? {})) {
      for (const example of schema.examples ?? []) {
        expect(() => operations[name].parse({ ...goodInputs[name], [field]: example })).not.toThrow();
        if (schema.pattern !== undefined) expect(String(example)).toMatch(new RegExp(schema.pattern, "u"));
      }
    }
    for (const { pattern } of within(input))
      if (pattern !== undefined) expect(() => new RegExp(pattern, "u")).not.toThrow();
  });

  test("has examples of requests and answers, each of which passes the validator", () => {
    const requests = examplesIn(method.requestBody?.content);
    const answers = examplesIn(method.responses["200"]?.content);
    expect(requests.length).toBeGreaterThan(0);
    expect(answers).toHaveLength(requests.length);
    for (const request of requests) expect(() => operations[name].parse(request)).not.toThrow();
    for (const answer of answers) {
      expect(v.safeParse(operations[name].output, answer)).toMatchObject({ success: true });
    }
  });

  test("what it answers has the form that it documents", async () => {
    const output = operations[name].output;
    const runtime = operations[name].kind !== "provision";
    if (!runtime) return;
    const suite = createSuite();
    const context = { platformCaller: { issuer: "aws", subject: "x" } };
    const answer = await (await suite.http(post(`/v1/${name}`, goodInputs[name]), context)).json();
    expect(v.safeParse(output, answer)).toMatchObject({ success: true });
  });
});

test("the error schema knows every code, and no other", () => {
  const { Error: error } = document.components.schemas;
  expect(error.properties?.code?.enum).toEqual(Object.keys(statusOf));
  expect(error.required).toEqual(["code", "message", "retryable", "httpStatusCode", "requestId"]);
  expect(error.additionalProperties).toBe(false);
  expect(Object.keys(error.properties ?? {}).sort()).toEqual(
    ["code", "context", "hint", "httpStatusCode", "message", "requestId", "retryable"].sort(),
  );
});

test("there is an example of each code, at its status, which passes the validator", () => {
  const answers = Object.entries(posted("createRepository").responses).filter(([status]) => status !== "200");
  const seen = answers.flatMap(([status, { content }]) =>
    examplesIn(content).map((value) => {
      const error = v.parse(errorJson, value);
      expect(error.httpStatusCode).toBe(Number(status));
      return status === "405" ? [] : [error.code];
    }),
  );
  expect(seen.flat().sort()).toEqual(Object.keys(statusOf).sort());
});

test("the documented error is what is sent", async () => {
  const response = await createSuite().http(post("/v1/getRepository", {}), {});
  const body = (await response.json()) as Record<string, unknown>;
  const known = Object.keys(document.components.schemas.Error.properties ?? {});
  expect(known).toEqual(expect.arrayContaining(Object.keys(body)));
  for (const field of document.components.schemas.Error.required ?? []) expect(body).toHaveProperty(field);
});
