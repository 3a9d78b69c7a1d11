import { expect, test } from "vitest";
import { awsAccess, gcpAccess } from "../support/inputs.ts";
import { onlyGrantee } from "./harness.ts";
import type { Subject } from "./suite.ts";

/** What differs from run to run, by field. */
const changing = new Set([
  "time",
  "requestId",
  "milliseconds",
  "upstreamCalls",
  "expiresAt",
  "grantedSeconds",
  "userAgent",
]);

/**
 * The audit log of one short story, line by line, as it is in `audit/{platform}.jsonl`: what was done, for whom, and what came of
 * it, also of what was refused.
 */
export function auditTests(subject: () => Subject, platform: string): void {
  test("the audit log tells the whole story", async () => {
    const { suite, registry } = subject();
    const begin = suite.audit.length;
    const { name: repoId } = await suite.ok("createRepository", { registry, name: "audited" });
    const mint = { registry, repoId, permissions: "pull", ttlSeconds: 900 };
    await suite.ok("generateCredentials", mint, "production");
    await suite.ok("generateCredentials", mint, "production");
    await suite.ok("generateCredentials", { ...mint, permissions: "push-pull", ttlSeconds: 3_600 });
    await suite.refused("generateCredentials", { ...mint, permissions: "push-pull" }, "reader");
    await suite.refused("generateCredentials", mint, "staging");
    await suite.refused("generateCredentials", mint, "stranger");
    const { capabilities } = await suite.ok("describeRegistry", { registry });
    const access =
      capabilities.crossAccountAccess === "gcp"
        ? { ...gcpAccess, projectNumbers: [onlyGrantee], serviceAccountEmails: [] }
        : { ...awsAccess, accountIds: [onlyGrantee], roleArns: [] };
    const grant = { registry, repoId, access };
    const supported = capabilities.crossAccountAccess !== undefined;
    for (const operation of ["addCrossAccountAccess", "removeCrossAccountAccess"] as const) {
      await (supported ? suite.ok(operation, grant) : suite.refused(operation, grant));
    }
    await suite.refused("addCrossAccountAccess", { ...grant, access: { ...awsAccess, roleArns: [] } }, "granter");
    await suite.refused("getRepository", { registry, repoId }, "forger");
    await suite.refused("getRepository", { registry, repoId: "../elsewhere" });
    await suite.ok("deleteRepository", { registry, repoId });

    const ids: string[] = [];
    const lines = suite.audit.slice(begin).map((line) =>
      JSON.parse(JSON.stringify(line), (key, value) => {
        if (changing.has(key)) return typeof value;
        if (key !== "credentialId") return value;
        if (!ids.includes(value)) ids.push(value);
        return `credential ${ids.indexOf(value) + 1}`;
      }),
    );
    const log = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    await expect(log).toMatchFileSnapshot(`audit/${platform}.jsonl`);
  });
}
