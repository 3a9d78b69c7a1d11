import { describe, expect, test } from "vitest";
import type { Subject } from "./suite.ts";

/** The paths that need nobody, and what they answer (the contract, "Wire"). */
export const servicePaths = [
  ["/livez", { status: "ok" }],
  ["/readyz", { status: "ready" }],
  ["/healthz", { status: "ok" }],
] as const;

/** What tells of the server itself. Google's front end keeps `/healthz` to itself, so the other two must be everywhere. */
export function serviceTests(subject: () => Subject): void {
  describe("the server itself", () => {
    test.each(servicePaths)("GET and HEAD %s need nobody, and are no operation", async (path, expected) => {
      const { suite } = subject();
      const lines = suite.audit.length;
      const answer = await fetch(`${suite.url}${path}`);
      expect([answer.status, await answer.json()]).toEqual([200, expected]);
      expect((await fetch(`${suite.url}${path}`, { method: "HEAD" })).status).toBe(200);
      expect((await fetch(`${suite.url}${path}`, { method: "POST", body: "{}" })).status).toBe(405);
      expect(suite.audit.length).toBe(lines);
    });
  });
}
