import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { AuditLine } from "../../../core/audit.ts";
import { type LocalSuite, serveLocal } from "../../../functions/local/serve.ts";
import { clients } from "../../e2e/clients.ts";
import { digestsIn, digestsOf, writeLayout } from "../../e2e/layout.ts";
import { subjectOf } from "../../emulators/kubernetes/service-accounts.ts";
import { buildImage } from "../../oci/client/images.ts";
import { serve } from "../../support/front.ts";
import { type Issuer, startIssuer } from "../../support/issuer.ts";
import { call } from "../support/container.ts";
import { buildProvider, documented, type Kubelet, type Login, type Node, startKubelet } from "./kubelet.ts";
import { recording } from "./recording.ts";

const image = buildImage({ seed: "kubelet", layers: [1_000, 50_000] });
const { provided, audience } = documented;
const web = { namespace: "apps", name: "web" };
const worker = { namespace: "apps", name: "worker" };
const stranger = { namespace: "elsewhere", name: "web" };
const pipeline = "system:serviceaccount:ci:pipeline";

let folder: string;
let provider: string;
let issuer: Issuer;
let suite: LocalSuite;
let registry: string;
const audit: AuditLine[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kubelet-"));
  provider = await buildProvider(join(folder, "built"));
  issuer = await startIssuer(audience);
  const rule = (subject: string, repository: string, operations: string[], permissions: string[]) => ({
    callers: [{ issuer: issuer.url, subject }],
    operations,
    registries: ["images"],
    repositories: [repository],
    permissions,
  });
  suite = await serveLocal(
    {
      PORT: "0",
      REGISTRY_PORT: "0",
      DATA_DIR: join(folder, "data"),
      ALIEN_DOOR: "oidc",
      ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: issuer.url, audience }]),
      ALIEN_ACCESS_RULES: JSON.stringify([
        rule(subjectOf(web), "images/web", ["generateCredentials"], ["pull"]),
        rule(subjectOf(worker), "images/worker", ["generateCredentials"], ["pull"]),
        rule(pipeline, "*", ["createRepository", "generateCredentials"], ["push-pull"]),
      ]),
    },
    { audit: (line) => void audit.push(line) },
  );
  registry = new URL(suite.registryUrl).host;
  await writeLayout(join(folder, "layout"), image, "v1");
  for (const name of ["web", "worker"]) await push(name);
});
afterAll(async () => {
  await suite?.close();
  await issuer?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function push(name: string): Promise<void> {
  const token = await issuer.sign({ sub: pipeline });
  const created = await call(suite.url, token, "createRepository", { name });
  const repoId = created.body.name as string;
  const minted = await call(suite.url, token, "generateCredentials", { repoId, permissions: "push-pull" });
  expect([created.status, minted.status]).toEqual([200, 200]);
  const pushed = await skopeo().push(
    join(folder, "layout"),
    "v1",
    `${registry}/${repoId}:v1`,
    minted.body as unknown as Login,
  );
  expect(pushed).toMatchObject({ ok: true });
}

function skopeo() {
  const found = clients(folder, registry).find(({ name }) => name === "skopeo");
  if (!found) throw new Error("skopeo is no client any more");
  return found;
}

/** Pulls as a container runtime does, with nothing but what the kubelet gives it. */
async function pull(repository: string, login: Login | undefined): Promise<boolean> {
  const target = await mkdtemp(join(folder, "pulled-"));
  const { ok, output } = await skopeo().pull(`${registry}/images/${repository}:v1`, target, "v1", login);
  if (!ok) expect(output).toMatch(/unauthorized|denied|authentication required/i);
  else expect(await digestsIn(target)).toEqual(digestsOf(image));
  return ok;
}

const minted = () => audit.filter(({ operation, outcome }) => operation === "generateCredentials" && outcome === "OK");

/** A node whose provider asks the local platform; the entry of its configuration may be changed. */
function kubelet(entry: object = {}, node: Partial<Node> = {}): Promise<Kubelet> {
  const ours = { ...documented.entry, images: `${registry}/images`, function: suite.url };
  return startKubelet({ provider, config: { registries: [{ ...ours, ...entry }] }, issuer, ...node });
}

test("two service accounts pull two repositories, each its own and not the other's", async () => {
  const node = await kubelet();
  for (const [account, own, other] of [
    [web, "web", "worker"],
    [worker, "worker", "web"],
  ] as const) {
    const logins = await node.pull(account, `${registry}/images/${own}`);
    expect(logins).toEqual([
      { username: "token", password: expect.any(String), serviceAccount: `apps/${account.name}` },
    ]);
    expect(await pull(own, logins[0])).toBe(true);
    // What it was given for the one repository opens no other.
    expect(await pull(other, logins[0])).toBe(false);
    expect(await node.pull(account, `${registry}/images/${other}`)).toEqual([]);
    await expect.poll(node.log).toContain(`ACCESS_DENIED`);
  }
  expect(node.tokenRequests[0]?.spec).toMatchObject({
    audiences: [audience],
    boundObjectRef: { kind: "Pod", name: "pod-1", uid: "uid-1" },
  });
});

test("a stranger gets nothing, and the kubelet's log says why, without a token or a password", async () => {
  const node = await kubelet();
  const passwords = (await node.pull(web, `${registry}/images/web`)).map(({ password }) => password);
  expect(await node.pull(stranger, `${registry}/images/web`)).toEqual([]);
  await expect.poll(node.log).toMatch(/exit status 1: artifact-registry: ACCESS_DENIED: .*\(request [0-9a-f-]+\)/);
  expect(await pull("web", undefined)).toBe(false);
  expect(passwords).toHaveLength(1);
  for (const secret of passwords) expect(node.log()).not.toContain(secret);
  // Every token begins with the same header.
  const [header = "none"] = (await issuer.sign()).split(".");
  expect(node.log()).not.toContain(header);
});

test("a token for another audience is refused, and the log names the setting", async () => {
  const tokenAttributes = { ...provided.tokenAttributes, serviceAccountTokenAudience: "others" };
  const node = await kubelet({}, { provided: { ...provided, tokenAttributes } });
  expect(await node.pull(web, `${registry}/images/web`)).toEqual([]);
  await expect.poll(node.log).toContain("serviceAccountTokenAudience must be the audience");
});

test("a kubelet that sends no token is told what it lacks", async () => {
  const node = await kubelet({}, { provided: { ...provided, tokenAttributes: undefined } });
  expect(await node.pull(web, `${registry}/images/web`)).toEqual([]);
  await expect.poll(node.log).toContain("the provider needs tokenAttributes");
});

test("the kubelet keeps credentials: one call for two pulls, and one more for another account or image", async () => {
  const node = await kubelet();
  const before = minted().length;
  const [first] = await node.pull(web, `${registry}/images/web`);
  const [second] = await node.pull(web, `${registry}/images/web`);
  expect(second).toEqual(first);
  expect(minted()).toHaveLength(before + 1);
  // Kept for this account alone, and for this image alone.
  await node.pull(worker, `${registry}/images/worker`);
  expect(minted()).toHaveLength(before + 2);
  const refused = audit.filter(({ outcome }) => outcome === "ACCESS_DENIED").length;
  expect(await node.pull(worker, `${registry}/images/web`)).toEqual([]);
  expect(audit.filter(({ outcome }) => outcome === "ACCESS_DENIED")).toHaveLength(refused + 1);
});

test("before credentials end, the kubelet asks anew, and what it offers always opens the repository", async () => {
  const node = await kubelet({ ttlSeconds: 20 });
  const before = minted().length;
  const [first] = await node.pull(web, `${registry}/images/web`);
  let latest: Login | undefined;
  await expect
    .poll(
      async () => {
        [latest] = await node.pull(web, `${registry}/images/web`);
        expect(await pull("web", latest)).toBe(true);
        return minted().length - before;
      },
      { interval: 500 },
    )
    .toBeGreaterThan(1);
  expect(latest?.password).not.toBe(first?.password);
});

test("a function that is busy is asked once more", async () => {
  let requests = 0;
  const front = await serve(async (request, response) => {
    requests += 1;
    if (requests === 1) {
      request.resume();
      const body = { code: "RATE_LIMIT_EXCEEDED", message: "Too many.", retryable: true, requestId: "1" };
      response.writeHead(429, { "content-type": "application/json", "retry-after": "0" }).end(JSON.stringify(body));
      return;
    }
    await handOn(request, response);
  });
  onTestFinished(() => front.stop());
  const node = await kubelet({ function: front.url });
  expect(await node.pull(web, `${registry}/images/web`)).toHaveLength(1);
  expect(requests).toBe(2);
});

/** Sends a request on to the suite, and answers what it answers. @returns both bodies */
async function handOn(request: IncomingMessage, response: ServerResponse) {
  const sent = await text(request);
  const { authorization = "" } = request.headers;
  const answer = await fetch(`${suite.url}${request.url}`, { method: "POST", headers: { authorization }, body: sent });
  const answered = await answer.text();
  response.writeHead(answer.status, { "content-type": "application/json" }).end(answered);
  return { sent, answered, authorization };
}

test("the exchange from the kubelet to the pull is the one that docs/kubelet.md shows", async () => {
  const recordIn = join(folder, "recorded");
  await mkdir(recordIn);
  const front: { sent: string; answered: string; authorization: string }[] = [];
  const between = await serve(async (request, response) => void front.push(await handOn(request, response)));
  onTestFinished(() => between.stop());
  const node = await kubelet({ function: between.url }, { recordIn });
  const [login] = await node.pull(web, `${registry}/images/web`);
  expect(front).toHaveLength(1);
  const pulled = await mkdtemp(join(folder, "pulled-"));
  const outcome = await skopeo().pull(`${registry}/images/web:v1`, pulled, "v1", login);
  expect(outcome.ok).toBe(true);
  const seen = recording({
    tokenRequest: node.tokenRequests[0],
    request: await readFile(join(recordIn, "request"), "utf8"),
    response: await readFile(join(recordIn, "response"), "utf8"),
    function: front[0],
    pulled: await digestsIn(pulled),
    registry,
  });
  const { recorded, text: page } = documented;
  if (process.env.RECORD === "1") {
    await writeFile(
      "docs/kubelet.md",
      page.replace(`text\n${recorded}\`\`\``, () => `text\n${seen}\`\`\``),
    );
  }
  expect(recorded, "RECORD=1 writes it anew").toBe(seen);
});
