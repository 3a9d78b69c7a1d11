import { expect, test } from "vitest";
import { openApiFiles } from "../../scripts/openapi.ts";

const files = openApiFiles();
const current = JSON.parse(files["openapi.json"]);
const older = JSON.parse(files["openapi-3.0.json"]);

test("the Rust client is generated from this document: vitest run -u test/unit/openapi-files.test.ts renews its copy", async () => {
  await expect(files["openapi-3.0.json"]).toMatchFileSnapshot("../../client/rust/openapi.json");
});

test("the document in 3.0 has the same operations, answers and names, and the same examples", () => {
  expect(older.openapi).toBe("3.0.3");
  expect(Object.keys(older.paths)).toEqual(Object.keys(current.paths));
  for (const part of ["schemas", "responses", "securitySchemes"]) {
    expect(Object.keys(older.components[part])).toEqual(Object.keys(current.components[part]));
  }
  for (const path of Object.keys(current.paths).filter((each) => each.startsWith("/v1/"))) {
    const [before, after] = [older.paths[path].post, current.paths[path].post];
    expect(Object.keys(before.responses)).toEqual(Object.keys(after.responses));
    const examples = ({ content }: { content: Record<string, { examples: object }> }) =>
      content["application/json"]?.examples;
    expect(examples(before.requestBody)).toEqual(examples(after.requestBody));
    expect(examples(before.responses["200"])).toEqual(examples(after.responses["200"]));
  }
});

test("it says a constant as 3.0 can, keeps what is required, and leaves objects open for what a later version adds", () => {
  const [aws] = older.components.schemas.CrossAccountAccess.oneOf;
  expect(aws.properties.type).toEqual({ type: "string", enum: ["aws"] });
  expect(aws.required).toEqual(["type", "accountIds", "regions", "roleArns", "allowedServiceTypes"]);
  expect(current.components.schemas.CrossAccountAccess.oneOf[0].additionalProperties).toBe(false);
  expect(files["openapi-3.0.json"]).not.toMatch(/"(const|propertyNames|identifier)":|"additionalProperties": false/);
});

test("in 3.0 each operation has one kind of error, as generators of clients want it", () => {
  for (const path of Object.values<Record<string, { responses: Record<string, object> }>>(older.paths)) {
    for (const { responses } of Object.values(path)) {
      const errors = Object.entries(responses).filter(([status]) => !status.startsWith("2"));
      expect(errors.filter(([, answer]) => !("$ref" in answer))).toEqual([]);
    }
  }
  expect(Object.keys(older.paths["/readyz"].get.responses)).toEqual(["200", "405"]);
  expect(Object.keys(current.paths["/readyz"].get.responses)).toContain("503");
});
