import { describe, expect, test } from "vitest";
import type { Golden } from "./golden.ts";
import { onlyGrantee } from "./harness.ts";
import type { Subject } from "./suite.ts";

/** What the parts of a rule bound, on each platform: each test is red where the part is not looked at. */
export function ruleTests(subject: () => Subject, { unsupported, lifetime }: Golden): void {
  describe("rules", () => {
    const created = async () => {
      const { suite, registry, fresh } = subject();
      const logical = fresh();
      const { name } = await suite.ok("createRepository", { registry, name: logical });
      return { suite, registry, logical, name };
    };

    test("claims: the same subject with another claim gets nothing", async () => {
      const { suite, registry, name } = await created();
      const input = { registry, repoId: name, permissions: "pull" };
      const before = suite.audit.length;
      await suite.ok("generateCredentials", input, "production");
      for (const [operation, asked] of [
        ["generateCredentials", input],
        ["getRepository", { registry, repoId: name }],
        ["deleteRepository", { registry, repoId: name }],
        ["createRepository", { registry, name: "another" }],
      ] as const) {
        const { status, body } = await suite.refused(operation, asked, "staging");
        expect([status, body.code, body.context]).toEqual([403, "ACCESS_DENIED", { field: "claims" }]);
      }
      const [first, ...others] = suite.audit.slice(before);
      expect(first?.caller).toEqual({ issuer: "door", subject: "deployer", claims: { environment: "production" } });
      for (const each of others) {
        expect(each).toMatchObject({ outcome: "ACCESS_DENIED", reason: "RULES_LACK_CLAIMS", upstreamCalls: 0 });
        expect(each.caller).toEqual({ issuer: "door", subject: "deployer", claims: { environment: "staging" } });
      }
    });

    test.each([
      ["hurried", 1_000],
      ["instant", 5],
    ] as const)("maxTtlSeconds: %s gets at most %d seconds, or nothing", async (caller, maxTtlSeconds) => {
      const { suite, registry, name } = await created();
      const input = { registry, repoId: name, permissions: "pull" };
      const { ttlSeconds } = (await suite.ok("describeRegistry", { registry })).capabilities.credentials;
      const { expiresAt: theirs } = await suite.ok("generateCredentials", input);
      const natural = theirs === undefined ? Number.POSITIVE_INFINITY : (Date.parse(theirs) - Date.now()) / 1_000;
      const shortest = lifetime === "asked" ? (ttlSeconds?.min ?? Number.NaN) : natural;
      for (const asked of [{}, { ttlSeconds: 10 ** 9 }, { ttlSeconds: maxTtlSeconds }]) {
        if (shortest <= maxTtlSeconds) {
          const { expiresAt = "" } = await suite.ok("generateCredentials", { ...input, ...asked }, caller);
          expect((Date.parse(expiresAt) - Date.now()) / 1_000).toBeLessThanOrEqual(maxTtlSeconds + 1);
          expect(suite.audit.at(-1)).toMatchObject({ outcome: "OK", expiresAt });
          expect(suite.audit.at(-1)?.grantedSeconds).toBeLessThanOrEqual(maxTtlSeconds + 1);
        } else {
          const { status, body } = await suite.refused("generateCredentials", { ...input, ...asked }, caller);
          expect([status, body.code, body.context]).toEqual([403, "ACCESS_DENIED", { field: "maxTtlSeconds" }]);
          expect(body.hint).toMatch(/maxTtlSeconds/);
        }
      }
    });

    test("grantees: whom no rule names is not let in", async () => {
      const { suite, registry, logical, name } = await created();
      const access = (accountId: string) => ({
        type: "aws",
        accountIds: [accountId],
        regions: [],
        roleArns: [],
        allowedServiceTypes: [],
      });
      const projects = (projectNumber: string) => ({
        type: "gcp",
        projectNumbers: [projectNumber],
        serviceAccountEmails: [],
        allowedServiceTypes: ["worker"],
      });
      for (const of of [access, projects]) {
        for (const [operation, input] of [
          ["addCrossAccountAccess", { registry, repoId: name, access: of("777788889999") }],
          ["setupRepository", { registry, name: logical, access: [of(onlyGrantee), of("777788889999")] }],
        ] as const) {
          const { status, body } = await suite.refused(operation, input, "granter");
          expect([status, body.code, body.context]).toEqual([403, "ACCESS_DENIED", { field: "grantees" }]);
          expect(suite.audit.at(-1)).toMatchObject({
            reason: "RULES_LACK_GRANTEES",
            grantees: expect.arrayContaining([expect.stringMatching(/^(aws|gcp):777788889999$/)]),
          });
        }
      }
      if (!unsupported.includes("addCrossAccountAccess")) {
        const { capabilities } = await suite.ok("describeRegistry", { registry });
        const allowed = capabilities.crossAccountAccess === "gcp" ? projects(onlyGrantee) : access(onlyGrantee);
        await suite.ok("addCrossAccountAccess", { registry, repoId: name, access: allowed }, "granter");
      }
    });

    test("permissions: a refusal names the field, and the log what was asked for", async () => {
      const { suite, registry, name } = await created();
      const input = { registry, repoId: name, permissions: "push-pull", ttlSeconds: 901 };
      const { status, body } = await suite.refused("generateCredentials", input, "reader");
      expect([status, body.context]).toEqual([403, { field: "permissions" }]);
      expect(suite.audit.at(-1)).toMatchObject({
        reason: "RULES_LACK_PERMISSIONS",
        permissions: "push-pull",
        ttlSeconds: 901,
        upstreamCalls: 0,
      });
    });

    test("a credential's id is in the answer and in the log, also when it is handed out again", async () => {
      const { suite, registry, name } = await created();
      const input = { registry, repoId: name, permissions: "pull" };
      const answers = [await suite.ok("generateCredentials", input), await suite.ok("generateCredentials", input)];
      const [first, second] = suite.audit.slice(-2);
      expect(answers.map(({ credentialId }) => credentialId)).toEqual([first?.credentialId, second?.credentialId]);
      expect(first?.credentialId).toMatch(/^[0-9a-f-]{36}$/);
      expect(first).toMatchObject({ permissions: "pull", reused: false });
      // What does not end is asked for anew each time.
      expect(second?.reused).toBe(lifetime !== "endless");
      expect(second?.credentialId === first?.credentialId).toBe(lifetime !== "endless");
    });
  });
}
