import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { call, startServer, withFolder } from "./process.ts";

const token = "a-token-of-this-test";
// On a developer's machine nobody but root can mount; in CI it must work.
const canMount = process.getuid?.() === 0 || process.env.CI !== undefined;

test.runIf(canMount)("a read-only disk is told as such, reads go on, and SIGTERM ends the server with 0", () =>
  withFolder(async (folder) => {
    const server = await startServer({ DATA_DIR: folder, ALIEN_CALLER_TOKEN: token });
    const api = (operation: string, input: object) =>
      call(server.apiUrl, token, operation, { registry: "images", ...input });
    expect((await api("createRepository", { name: "app" })).status).toBe(200);
    execFileSync("mount", ["--bind", folder, folder]);
    try {
      execFileSync("mount", ["-o", "remount,bind,ro", folder]);
      const { status, body } = await api("createRepository", { name: "other" });
      expect([status, body.code, body.retryable]).toEqual([503, "SERVICE_UNAVAILABLE", false]);
      expect(body.message).toContain("read-only");
      expect((await api("deleteRepository", { repoId: "app" })).body.message).toContain("read-only");
      expect((await api("getRepository", { repoId: "app" })).status).toBe(200);
      expect(await server.stop()).toBe(0);
    } finally {
      execFileSync("umount", ["-l", folder]);
    }
  }),
);
