import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { createClient, pushImage } from "../../oci/client/index.ts";
import { buildImage } from "../oci/client/images.ts";
import { call, startServer, withFolder } from "./process.ts";

const token = "a-token-of-this-test";

/** Takes the room for files away from a running process, and gives it back: a full disk that needs no mount. */
function limitFiles(pid: number | undefined, bytes: string): void {
  execFileSync("prlimit", ["--pid", String(pid), `--fsize=${bytes}:`]);
}

test("a full disk is told as a quota, nothing is left behind, and the server goes on", () =>
  withFolder(async (folder) => {
    const server = await startServer({ DATA_DIR: folder, ALIEN_CALLER_TOKEN: token });
    const api = (operation: string, input: object) =>
      call(server.apiUrl, token, operation, { registry: "images", ...input });
    const minted = await api("generateCredentials", { repoId: "app", permissions: "push-pull" });
    const credentials = { username: "token", password: String(minted.body.password) };
    const client = createClient({ url: server.registryUrl, credentials });
    const image = buildImage({ seed: "full", layers: [50_000] });

    limitFiles(server.child.pid, "0");
    const { status, body } = await api("createRepository", { name: "other" });
    expect([status, body.code, body.retryable]).toEqual([429, "QUOTA_EXCEEDED", false]);
    expect(body.message).toContain("disk");
    await expect(pushImage(client, "images/app", "1.0", image)).rejects.toMatchObject({ status: 507 });
    expect((await api("getRepository", { repoId: "other" })).body.code).toBe("RESOURCE_NOT_FOUND");
    expect((await api("getRepository", { repoId: "app" })).body.code).toBe("RESOURCE_NOT_FOUND");

    limitFiles(server.child.pid, "unlimited");
    expect((await api("createRepository", { name: "other" })).status).toBe(200);
    await pushImage(client, "images/app", "1.0", image);
    expect(await client.tags("images/app")).toEqual(["1.0"]);
    expect(await server.stop()).toBe(0);
  }));
