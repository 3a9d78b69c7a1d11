import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { parseReference } from "../../../client/cli/transfer/reference.ts";
import { digestsIn, digestsOf, writeLayout } from "../../e2e/layout.ts";
import { buildImage, buildIndex } from "../../oci/client/images.ts";
import { startFake } from "../support/server.ts";
import { startLocal, type TestSuite } from "../support/suite.ts";
import { alienHere } from "./support/run.ts";

const digest = `sha256:${"0".repeat(64)}`;

describe("how an image is named", () => {
  it.each([
    ["my-app", { repository: "my-app" }],
    ["images/my-app:1.0", { repository: "images/my-app", tag: "1.0" }],
    ["127.0.0.1:5050/images/my-app", { repository: "127.0.0.1:5050/images/my-app" }],
    ["127.0.0.1:5050/images/my-app:1.0", { repository: "127.0.0.1:5050/images/my-app", tag: "1.0" }],
    [`my-app@${digest}`, { repository: "my-app", digest }],
    [`my-app:1.0@${digest}`, { repository: "my-app", tag: "1.0", digest }],
  ])("%s", (text, reference) => expect(parseReference(text)).toEqual(reference));

  it.each([
    [":1.0", "names no repository"],
    ["my-app:", '"" is no tag'],
    ["my-app:a b", '"a b" is no tag'],
    ["my-app:1:2", '"1:2" is no tag'],
    ["my-app@sha256:12", '"sha256:12" is no digest'],
  ])("%s is refused", (text, message) => expect(() => parseReference(text)).toThrow(message));
});

let suite: TestSuite;
let env: Record<string, string>;
let folder: string;
beforeAll(async () => {
  suite = await startLocal();
  const binding = { service: "function", url: suite.url, platform: "local" };
  env = { ALIEN_IMAGES_BINDING: JSON.stringify(binding), ALIEN_CALLER_TOKEN: suite.token };
  expect((await alienHere(["create", "my-app"], env)).code).toBe(0);
});
afterAll(() => suite.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "transfer-"));
  return () => rm(folder, { recursive: true, force: true });
});

const host = () => new URL(suite.registryUrl).host;
const run = (...args: string[]) => alienHere(args, env);
const path = (name: string) => join(folder, name);

it("an image for two platforms is pushed, and pulled by its tag, its digest and its URI", async () => {
  const index = buildIndex({ seed: "travels", layers: [10, 300_000] });
  await writeLayout(path("from"), index, "v1");
  const { code, stdout } = await run("push", path("from"), "my-app:1.0");
  expect(code).toBe(0);
  expect(stdout).toBe(
    `Pushed  ${host()}/images/my-app:1.0\nDigest  ${index.index.digest}\nSent    ${stdout.match(/6 blobs, [\d,]+ bytes/)}\n`,
  );
  const uri = `${host()}/images/my-app`;
  for (const [name, image] of Object.entries({
    tag: "my-app:1.0",
    digest: `images/my-app@${index.index.digest}`,
    uri: `${uri}:1.0`,
  })) {
    expect(await run("pull", image, path(name), "--quiet")).toEqual({
      code: 0,
      stdout: `${index.index.digest}\n`,
      stderr: "",
    });
    expect(await digestsIn(path(name))).toEqual(digestsOf(index));
  }
  const again = await run("push", path("tag"), `${uri}:2.0`, "--json");
  expect(JSON.parse(again.stdout)).toMatchObject({
    image: `${uri}:2.0`,
    digest: index.index.digest,
    present: 6,
    bytes: 0,
  });
});

it("who has no image pushes the sample; --quiet prints what a deployment needs", async () => {
  const { stdout } = await run("push", "--sample", "my-app", "--quiet");
  expect(stdout).toMatch(new RegExp(`^${host()}/images/my-app@sha256:[a-f0-9]{64}\n$`));
  expect((await run("pull", "my-app", path("it.tar"))).code).toBe(0);
  expect((await run("push", path("it.tar"), "my-app:again", "--quiet")).stdout).toBe(stdout);
});

it.each<[string, readonly string[], number, RegExp]>([
  ["one argument", ["push", "x"], 2, /An image and a repository are needed/],
  ["a layout beside --sample", ["push", "--sample", "x", "my-app"], 2, /--sample takes a repository alone/],
  ["a digest to push to", ["push", "--sample", `my-app@${digest}`], 2, /pushed to a tag/],
  ["no such layout", ["push", "/nonexistent/x", "my-app"], 2, /\/nonexistent\/x: There is no such file or folder/],
  ["no such repository", ["push", "--sample", "nope:1"], 5, /There is no repository "images\/nope"/],
  ["no such tag", ["pull", "my-app:nope", "/nonexistent/x"], 5, /There is no image "my-app:nope"/],
  ["no place for it", ["pull", "my-app:here", "/dev/null/x"], 2, /\/dev\/null\/x: A part of the path is no folder/],
])("%s is an error of its own", async (_, args, code, message) => {
  await run("push", "--sample", "my-app:here");
  const ended = await run(...args);
  expect(ended.code).toBe(code);
  expect(ended.stderr).toMatch(message);
  expect(await readdir(folder)).toEqual([]);
});

/** A function that lets the real one mint, and answers in its own way. */
async function fakeFunction(change: (operation: string, answer: Record<string, unknown>) => object | undefined) {
  const real = async (operation: string, body: string) => {
    const headers = { authorization: `Bearer ${suite.token}` };
    return (await fetch(`${suite.url}/v1/${operation}`, { method: "POST", headers, body })).json();
  };
  const server = createServer(async (incoming, response) => {
    let body = "";
    for await (const chunk of incoming) body += chunk;
    const operation = incoming.url?.split("/").at(-1) ?? "";
    const answer = change(operation, (await real(operation, body)) as Record<string, unknown>);
    if (answer === undefined) {
      const denied = { code: "ACCESS_DENIED", message: "No.", retryable: false, httpStatusCode: 403, requestId: "1" };
      response.writeHead(403).end(JSON.stringify(denied));
    } else response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { ...env, ALIEN_IMAGES_BINDING: JSON.stringify({ service: "function", url, platform: "local" }) };
}

it("a registry of bearer tokens gets the token, and who names the URI needs no right to look the repository up", async () => {
  const own = await fakeFunction((operation, answer) => {
    if (operation === "generateCredentials") return { ...answer, authMethod: "bearer", username: "" };
    return operation === "getRepository" ? undefined : answer;
  });
  expect((await alienHere(["push", "--sample", `${host()}/images/my-app:b`], own)).code).toBe(0);
  expect(await alienHere(["push", "--sample", "my-app:b"], own)).toMatchObject({ code: 4 });
});

it("a registry that cannot be reached is told apart from a function that cannot", async () => {
  const fake = await startFake({ status: 503 });
  const own = await fakeFunction((operation, answer) =>
    operation === "generateCredentials"
      ? { ...answer, registryEndpoint: fake.url }
      : { ...answer, uri: `${new URL(fake.url).host}/x` },
  );
  const { code, stderr } = await alienHere(["push", "--sample", "my-app:b"], own);
  expect(code).toBe(9);
  expect(stderr).toMatch(/^error: The registry is busy: /);
  expect(fake.seen.length).toBeGreaterThan(1);
});

it("an upload goes through the proxy of the environment, as it comes", async () => {
  const asked: string[] = [];
  const proxy = createServer((incoming, outgoing) => {
    const { method, url = "", headers } = incoming;
    asked.push(`${method} ${new URL(url).pathname.split("/").at(-2)}`);
    const upstream = request(url, { method, headers }, (answer) => {
      answer.pipe(outgoing.writeHead(answer.statusCode ?? 502, answer.headers));
    });
    incoming.pipe(upstream);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const image = buildImage({ seed: "proxy", layers: [300_000] });
  await writeLayout(path("from"), image, "v1");
  const proxied = { ...env, HTTP_PROXY: url, NO_PROXY: new URL(suite.url).host };
  expect(await alienHere(["push", path("from"), "my-app:p"], proxied)).toMatchObject({ code: 0, stderr: "" });
  expect(asked.filter((each) => each.startsWith("PUT"))).toEqual(["PUT uploads", "PUT uploads", "PUT manifests"]);
});
