import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import { expect, it } from "vitest";
import type { AccessLine } from "../../oci/registry/index.ts";
import { mintToken, parseScope } from "../../oci/token/index.ts";
import { ask, json, pushBlob, pushImage, sha256, startRegistry } from "./support.ts";

const scope = "repository:a:pull,push,delete";

async function logged() {
  const lines: AccessLine[] = [];
  const client = await startRegistry({ access: (line) => lines.push(line) });
  const token = mintToken(client.key, {
    subject: "someone",
    access: parseScope(scope),
    audience: "registry",
    expiresAt: new Date(Date.now() + 3_600_000),
    id: "the-credential",
  });
  const headers = { Authorization: `Bearer ${token}` };
  /** What the line of each request tells beside its time and its source. */
  const told = async (count: number) => {
    await expect.poll(() => lines.length).toBe(count);
    return lines.splice(0).map(({ time: _, source: __, milliseconds: ___, ...line }) => line);
  };
  return { client, lines, token, headers, told };
}

it("has a line for each request: the operation, the repository, what was meant, the credential, and the outcome", async () => {
  const { client, lines, token, headers, told } = await logged();
  const send: typeof client.as extends (scope: string) => infer S ? S : never = (method, path, options = {}) =>
    ask(method, `${client.url}${path}`, {
      ...options,
      headers: { ...headers, "User-Agent": "a-client/1", ...options.headers },
    });
  const image = await pushImage(send, "a", "1.0");
  await expect.poll(() => lines.length).toBe(3);
  expect(lines[2]).toEqual({
    time: expect.stringMatching(/^20\d\d-.*Z$/),
    door: "registry",
    source: { address: "127.0.0.1", userAgent: "a-client/1" },
    operation: "pushManifest",
    repoId: "a",
    reference: "1.0",
    credentialId: "the-credential",
    outcome: "OK",
    status: 201,
    milliseconds: expect.any(Number),
  });
  lines.length = 0;
  const by = { door: "registry", repoId: "a", credentialId: "the-credential" };
  const [layer = Buffer.alloc(0)] = image.layers;
  await send("HEAD", `/v2/a/manifests/${image.digest}`);
  await send("GET", `/v2/a/blobs/${sha256(layer)}`, { headers: { Range: "bytes=0-1" } });
  await send("GET", "/v2/a/manifests/none");
  await send("POST", `/v2/a/blobs/uploads/?mount=${sha256(layer)}&from=a`);
  await send("DELETE", "/v2/a/manifests/1.0");
  expect(await told(5)).toEqual([
    { ...by, operation: "headManifest", reference: image.digest, outcome: "OK", status: 200 },
    { ...by, operation: "pullBlob", reference: sha256(layer), outcome: "OK", status: 206 },
    { ...by, operation: "pullManifest", reference: "none", outcome: "MANIFEST_UNKNOWN", status: 404 },
    { ...by, operation: "startUpload", reference: sha256(layer), from: "a", outcome: "OK", status: 201 },
    { ...by, operation: "deleteManifest", reference: "1.0", outcome: "OK", status: 202 },
  ]);

  // A bearer that was exchanged for the credential has the credential's id.
  const basic = `Basic ${Buffer.from(`token:${token}`).toString("base64")}`;
  const exchanged = await ask("GET", `${client.url}/token?scope=repository:a:pull`, {
    headers: { Authorization: basic },
  });
  const bearer = `Bearer ${json<{ token: string }>(exchanged).token}`;
  await ask("GET", `${client.url}/v2/a/tags/list`, { headers: { Authorization: bearer } });
  expect(await told(2)).toEqual([
    { door: "registry", operation: "exchangeToken", credentialId: "the-credential", outcome: "OK", status: 200 },
    { ...by, operation: "listTags", outcome: "OK", status: 200 },
  ]);
});

it("has a line for what was refused, and nothing in it that somebody made up", async () => {
  const { client, headers, told } = await logged();
  await ask("GET", `${client.url}/v2/a/manifests/1`);
  await ask("PUT", `${client.url}/v2/secret/manifests/1`, { headers });
  await ask("GET", `${client.url}/v2/UPPER/manifests/1`, { headers });
  await ask("GET", `${client.url}/v2/a/manifests/${"x".repeat(300)}`, { headers });
  await ask("GET", `${client.url}/elsewhere?token=made-up`, { headers });
  const by = { door: "registry", credentialId: "the-credential" };
  expect(await told(5)).toEqual([
    { door: "registry", operation: "pullManifest", repoId: "a", reference: "1", outcome: "UNAUTHORIZED", status: 401 },
    { ...by, operation: "pushManifest", repoId: "secret", reference: "1", outcome: "DENIED", status: 401 },
    { ...by, operation: "pullManifest", reference: "1", outcome: "NAME_INVALID", status: 400 },
    { ...by, operation: "pullManifest", repoId: "a", outcome: "TAG_INVALID", status: 400 },
    { door: "registry", outcome: "UNSUPPORTED", status: 404 },
  ]);
});

it("tells a download that its client did not wait for", async () => {
  const { client, headers, told } = await logged();
  const bytes = randomBytes(20 * 1024 * 1024);
  await pushBlob(client.as(scope), "a", bytes);
  await told(1);
  const download = request(`${client.url}/v2/a/blobs/${sha256(bytes)}`, { headers }).end();
  const [answer] = await once(download, "response");
  await once(answer, "readable");
  answer.on("error", () => undefined);
  answer.destroy();
  expect(await told(1)).toMatchObject([{ operation: "pullBlob", outcome: "INCOMPLETE", status: 200 }]);
});
