import { describe, expect, test } from "vitest";
import type { Subject } from "./suite.ts";

/** Operation, input, code and field: what is wrong with it is in the last column. */
type Bad = readonly [operation: string, input: unknown, code: string, field: string | undefined];

const repoId = "app";
const registry = "images";
const bad: readonly Bad[] = [
  ["createRepository", "{", "INVALID_INPUT", undefined],
  ["createRepository", "", "INVALID_INPUT", undefined],
  ["createRepository", "[]", "INVALID_INPUT", undefined],
  ["createRepository", '"text"', "INVALID_INPUT", undefined],
  ["createRepository", "null", "INVALID_INPUT", undefined],
  ["createRepository", { registry }, "INVALID_INPUT", "name"],
  ["createRepository", { name: "x" }, "INVALID_INPUT", "registry"],
  ["createRepository", { registry, name: 5 }, "INVALID_INPUT", "name"],
  ["createRepository", { registry, name: null }, "INVALID_INPUT", "name"],
  ["createRepository", { registry, name: "" }, "INVALID_INPUT", "name"],
  ["createRepository", { registry, name: "x".repeat(257) }, "INVALID_INPUT", "name"],
  ["createRepository", { registry, name: "x".repeat(10_000) }, "INVALID_INPUT", "name"],
  ["createRepository", { registry, name: "a\u0000b" }, "INVALID_INPUT", "name"],
  ["createRepository", { registry, name: "a\nb" }, "INVALID_INPUT", "name"],
  ["createRepository", '{"registry":"images","name":"\\ud800"}', "INVALID_INPUT", "name"],
  ["createRepository", { registry, name: "x", extra: 1 }, "INVALID_INPUT", "extra"],
  ["createRepository", '{"registry":"images","name":"x","__proto__":{}}', "INVALID_INPUT", "__proto__"],
  ["createRepository", { registry: "no/registry", name: "x" }, "INVALID_INPUT", "registry"],
  ["createRepository", { registry, name: "x".repeat(70_000) }, "PAYLOAD_TOO_LARGE", undefined],
  ["createRepository", `${"[".repeat(1_000)}${"]".repeat(1_000)}`, "INVALID_INPUT", undefined],
  ["destroyEverything", { registry }, "INVALID_INPUT", "operation"],
  ["toString", { registry }, "INVALID_INPUT", "operation"],
  ["generateCredentials", { registry, repoId }, "INVALID_INPUT", "permissions"],
  ["generateCredentials", { registry, repoId, permissions: "admin" }, "INVALID_INPUT", "permissions"],
  ["generateCredentials", { registry, repoId, permissions: "pull", ttlSeconds: 0 }, "INVALID_INPUT", "ttlSeconds"],
  ["generateCredentials", { registry, repoId, permissions: "pull", ttlSeconds: -1 }, "INVALID_INPUT", "ttlSeconds"],
  ["generateCredentials", { registry, repoId, permissions: "pull", ttlSeconds: 1.5 }, "INVALID_INPUT", "ttlSeconds"],
  ["generateCredentials", { registry, repoId, permissions: "pull", ttlSeconds: "9" }, "INVALID_INPUT", "ttlSeconds"],
  ["generateCredentials", { registry, repoId, permissions: "pull", ttlSeconds: null }, "INVALID_INPUT", "ttlSeconds"],
  ["addCrossAccountAccess", { registry, repoId }, "INVALID_INPUT", "access"],
  ["addCrossAccountAccess", { registry, repoId, access: { type: "azure" } }, "INVALID_INPUT", "access.type"],
  ["listRepositories", { registry, pageSize: 0 }, "INVALID_INPUT", "pageSize"],
  ["listRepositories", { registry, pageSize: 1.5 }, "INVALID_INPUT", "pageSize"],
  ["listImages", { registry, repoId, pageSize: 10 ** 9 }, "INVALID_INPUT", "pageSize"],
  ["listImages", { registry, repoId, pageToken: "not a token" }, "INVALID_INPUT", "pageToken"],
  ["deleteImage", { registry, repoId }, "INVALID_INPUT", "reference"],
  ["deleteImage", { registry, repoId, reference: "a/b" }, "INVALID_INPUT", "reference"],
  ["deleteImage", { registry, repoId, reference: "*" }, "INVALID_INPUT", "reference"],
  ["deleteImage", { registry, repoId, reference: "sha256:*" }, "INVALID_INPUT", "reference"],
  ["listGranteeAccess", { registry, grantee: "aws:*" }, "INVALID_INPUT", "grantee"],
  ["removeGranteeAccess", { registry, grantee: "aws:12345678901*" }, "INVALID_INPUT", "grantee"],
  ["removeGranteeAccess", { registry, grantee: "gcp:allUsers" }, "INVALID_INPUT", "grantee"],
];

const aws = { type: "aws", accountIds: [], regions: [], roleArns: [], allowedServiceTypes: [] };
const gcp = { type: "gcp", projectNumbers: [], serviceAccountEmails: [], allowedServiceTypes: [] };
/** Only literals are grants: whatever could mean more than one consumer is refused. */
const badAccess: readonly [access: object, field: string][] = [
  [{ ...aws, accountIds: ["*"] }, "access.accountIds.0"],
  [{ ...aws, accountIds: ["12345678901"] }, "access.accountIds.0"],
  [{ ...aws, accountIds: [123456789012] }, "access.accountIds.0"],
  [{ ...aws, accountIds: ["123456789012", "1234567890123"] }, "access.accountIds.1"],
  [{ ...aws, regions: ["us-*"] }, "access.regions.0"],
  [{ ...aws, regions: ["us-east-1:123456789012"] }, "access.regions.0"],
  [{ ...aws, roleArns: ["arn:aws:iam::123456789012:root"] }, "access.roleArns.0"],
  [{ ...aws, roleArns: ["arn:aws:iam::123456789012:role/*"] }, "access.roleArns.0"],
  [{ ...aws, roleArns: ["arn:aws:iam::*:role/x"] }, "access.roleArns.0"],
  [{ ...aws, roleArns: ["arn:aws:sts::123456789012:assumed-role/x/session"] }, "access.roleArns.0"],
  [{ ...aws, allowedServiceTypes: ["everything"] }, "access.allowedServiceTypes.0"],
  [{ ...gcp, projectNumbers: ["my-project"] }, "access.projectNumbers.0"],
  [{ ...gcp, serviceAccountEmails: ["allUsers"] }, "access.serviceAccountEmails.0"],
  [{ ...gcp, serviceAccountEmails: ["*@p.iam.gserviceaccount.com"] }, "access.serviceAccountEmails.0"],
  [{ ...gcp, serviceAccountEmails: ["a@p.iam.gserviceaccount.com,allUsers"] }, "access.serviceAccountEmails.0"],
];

export function errorTests(subject: () => Subject): void {
  describe("errors", () => {
    const short = (input: unknown) => JSON.stringify(input).slice(0, 90);

    test.each(bad.map((each) => [short(each[1]), ...each] as const))(
      "%s is refused by %s",
      async (_, operation, input, code, field) => {
        const { suite } = subject();
        const { status, headers, body } = await suite.refused(operation, input);
        expect([body.code, body.context?.field]).toEqual([code, field]);
        expect(status).toBe(body.httpStatusCode);
        expect(body.retryable).toBe(false);
        expect(body.message.length).toBeLessThan(300);
        expect(headers.get("x-request-id")).toBe(body.requestId);
        if (field !== undefined && field !== "operation") expect(body.message).toContain(field.split(".")[0]);
        expect(suite.audit.at(-1)?.upstreamCalls).toBe(0);
      },
    );

    test.each(badAccess)("access %j is refused, naming the field", async (access, field) => {
      const { body } = await subject().suite.refused("addCrossAccountAccess", { registry, repoId, access });
      expect(body).toMatchObject({ code: "INVALID_INPUT", context: { field } });
    });

    test("a registry that is not bound is told, and how to bind it", async () => {
      const { suite } = subject();
      const denied = await suite.refused("createRepository", { registry: "unbound", name: "x" });
      // The rules of this suite name its two registries: what no rule names is not even looked up.
      expect(denied.body.code).toBe("ACCESS_DENIED");
    });

    test("without a token, with a wrong one, and as somebody whom no rule allows", async () => {
      const { suite, fresh } = subject();
      const name = fresh("unauthorised");
      const none = await suite.refused("createRepository", { registry, name }, "nobody");
      expect([none.status, none.body.code]).toEqual([401, "AUTHENTICATION_ERROR"]);
      expect(none.headers.get("www-authenticate")).toBe("Bearer");
      const wrong = await suite.refused("createRepository", { registry, name }, "forger");
      expect([wrong.status, wrong.body.code]).toEqual([401, "AUTHENTICATION_ERROR"]);
      const stranger = await suite.refused("createRepository", { registry, name }, "stranger");
      expect([stranger.status, stranger.body.code]).toEqual([403, "ACCESS_DENIED"]);
      expect(suite.audit.slice(-3).map((line) => line.upstreamCalls)).toEqual([0, 0, 0]);
    });

    test("the server goes on after all of them", async () => {
      const { suite, fresh } = subject();
      await suite.ok("createRepository", { registry, name: fresh("after-the-errors") });
      expect((await fetch(`${suite.url}/healthz`)).status).toBe(200);
    });
  });
}
