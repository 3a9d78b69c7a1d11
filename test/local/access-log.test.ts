import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { createClient, pushImage } from "../../oci/client/index.ts";
import { buildImage } from "../oci/client/images.ts";
import { call, startServer, withFolder } from "./process.ts";

const token = "a-token-of-this-test";

/** The lines that the server has printed about its registry. */
const linesOf = (output: string) =>
  output
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("a pull leads to the credential that was minted, and the page shows such a line", () =>
  withFolder(async (folder) => {
    const server = await startServer({ DATA_DIR: folder, ALIEN_CALLER_TOKEN: token });
    const asked = { registry: "images", repoId: "app", permissions: "push-pull" };
    const { body } = await call(server.apiUrl, token, "generateCredentials", asked);
    const credentials = { username: "token", password: String(body.password) };
    const client = createClient({ url: server.registryUrl, credentials });
    await pushImage(client, "images/app", "1.0", buildImage({ seed: "logged", layers: [100] }));
    await client.pullManifest("images/app", "1.0");
    expect(await server.stop()).toBe(0);

    const lines = linesOf(server.output());
    const minted = lines.find(({ operation }) => operation === "generateCredentials");
    const pulled = lines.find(({ operation }) => operation === "pullManifest");
    expect(pulled).toMatchObject({ repoId: "images/app", reference: "1.0", outcome: "OK" });
    expect(pulled?.credentialId).toBe(minted?.credentialId);
    expect(server.output()).not.toContain(credentials.password);

    const page = await readFile(new URL("../../docs/local.md", import.meta.url), "utf8");
    const shown = JSON.parse(/```json\n(.*?)```/s.exec(page)?.[1] ?? "") as object;
    expect(Object.keys(shown)).toEqual(
      expect.arrayContaining(Object.keys(pulled ?? {}).filter((key) => key !== "source")),
    );
    expect(Object.keys(shown).sort()).toEqual([...Object.keys(pulled ?? {})].sort());
  }));

test("can be turned off, and a setting that says neither is refused", () =>
  withFolder(async (folder) => {
    const server = await startServer({ DATA_DIR: folder, ALIEN_CALLER_TOKEN: token, ACCESS_LOG: "off" });
    await fetch(`${server.registryUrl}/v2/`);
    expect(await server.stop()).toBe(0);
    expect(linesOf(server.output())).toEqual([]);
    await expect(startServer({ DATA_DIR: folder, ACCESS_LOG: "perhaps" })).rejects.toThrow(
      /ACCESS_LOG must be on or off/,
    );
  }));
