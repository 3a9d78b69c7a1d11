import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ECRClient, PutReplicationConfigurationCommand } from "@aws-sdk/client-ecr";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { Platform } from "../../../core/platform.ts";
import { platform as awsPlatform } from "../../../functions/aws/index.ts";
import { platform as azurePlatform } from "../../../functions/azure/index.ts";
import { platform as gcpPlatform } from "../../../functions/gcp/index.ts";
import { platform as externalPlatform } from "../../../functions/kubernetes/index.ts";
import { createClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import { startStack as startAws } from "../../aws/support/stack.ts";
import { startStack as startAzure } from "../../azure/support/stack.ts";
import { subjectOf } from "../../emulators/kubernetes/service-accounts.ts";
import { startStack as startGcp } from "../../gcp/support/stack.ts";
import { buildImage } from "../../oci/client/images.ts";
import { type Issuer, startIssuer } from "../../support/issuer.ts";
import { startBench } from "../external/support/bench.ts";
import { call, serve } from "../support/container.ts";
import { buildProvider, documented, type Kubelet, type Login, startKubelet } from "./kubelet.ts";

const image = buildImage({ seed: "kubelet", layers: [1_000] });
const web = { namespace: "apps", name: "web" };
const pipeline = "the-pipeline";

let folder: string;
let provider: string;
let issuer: Issuer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kubelet-"));
  provider = await buildProvider(folder);
  issuer = await startIssuer(documented.audience);
});
afterAll(async () => {
  await issuer?.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Place {
  readonly env: Record<string, string>;
  readonly platform: Platform;
}

/** A function over a registry of this place with one image in it, and a node whose kubelet asks that function. */
async function start({ env, platform }: Place, dataPlane: string) {
  const rule = (subject: string, permissions: string[], operations: string[]) => ({
    callers: [{ issuer: issuer.url, subject }],
    ...{ operations, registries: ["images"], repositories: ["*"], permissions },
  });
  const rules = [
    rule(subjectOf(web), ["pull"], ["generateCredentials"]),
    rule(pipeline, ["push-pull"], ["createRepository", "generateCredentials"]),
  ];
  const { url } = await serve(
    {
      ...env,
      ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: documented.audience }]),
      ALIEN_ACCESS_RULES: JSON.stringify(rules),
    },
    platform,
  );
  const token = await issuer.sign({ sub: pipeline });
  const created = await call(url, token, "createRepository", { name: "web" });
  expect(created).toMatchObject({ status: 200 });
  const { name, uri } = created.body as { name: string; uri: string };
  const minted = await call(url, token, "generateCredentials", { repoId: name, permissions: "push-pull" });
  expect(minted).toMatchObject({ status: 200 });
  const { authMethod, username = "", password = "" } = minted.body as Record<string, string>;
  const credentials = authMethod === "bearer" ? { bearer: password } : { username, password };
  await pushImage(createClient({ url: dataPlane, credentials }), name, "1.0", image);
  return { name, uri, url };
}

const node = (images: string, url: string): Promise<Kubelet> =>
  startKubelet({ provider, issuer, config: { registries: [{ ...documented.entry, images, function: url }] } });

/** As a node does it: Basic, at the registry or at its token service. */
const pull = (url: string, name: string, { username = "", password = "" }: Partial<Login> = {}) =>
  pullImage(createClient({ url, credentials: { username, password } }), name, "1.0");

/** The clouds' libraries look into this process's environment. */
function useEnvironment(stack: { useInThisProcess(): void; stop(): Promise<void> }): void {
  const before = { ...process.env };
  stack.useInThisProcess();
  onTestFinished(async () => {
    process.env = before;
    await stack.stop();
  });
}

test("Amazon ECR: at home, and at a replica by the region in the image's name", async () => {
  const stack = await startAws({ replicaRegions: ["eu-west-1"] });
  useEnvironment(stack);
  const binding = stack.binding("images", { replicationRegions: ["eu-west-1"] });
  const env = { ...stack.env(), ALIEN_IMAGES_BINDING: binding };
  const home = stack.emulator.registryUrl(stack.region);
  const ecr = new ECRClient({
    region: stack.region,
    endpoint: stack.emulator.url,
    credentials: stack.emulator.admin(),
  });
  const rules = [{ destinations: [{ region: "eu-west-1", registryId: stack.account }] }];
  await ecr.send(new PutReplicationConfigurationCommand({ replicationConfiguration: { rules } }));
  const { name, uri, url } = await start({ env, platform: awsPlatform }, home);
  await stack.emulator.replicate();
  const [host = ""] = uri.split("/");
  const [login] = await (await node(host, url)).pull(web, uri);
  expect(login?.username).toBe("AWS");
  expect(await pull(home, name, login)).toEqual(image);

  const replica = await node(host.replace(stack.region, "eu-west-1"), url);
  const [there] = await replica.pull(web, uri.replace(stack.region, "eu-west-1"));
  expect(there?.username, replica.log()).toBe("AWS");
  expect(await pull(stack.emulator.registryUrl("eu-west-1"), name, there)).toEqual(image);

  // A host that is not the registry's is refused, whatever the node's configuration says.
  const wrong = await node("999999999999.dkr.ecr.us-east-1.amazonaws.com", url);
  expect(await wrong.pull(web, `999999999999.dkr.ecr.us-east-1.amazonaws.com/${name}`)).toEqual([]);
  await expect.poll(wrong.log).toContain("INVALID_INPUT");
});

test("Google Artifact Registry", async () => {
  const stack = await startGcp({ projectRoles: ["roles/artifactregistry.admin", "roles/iam.serviceAccountAdmin"] });
  useEnvironment(stack);
  const env = { ...stack.env(), ALIEN_IMAGES_BINDING: stack.binding("images") };
  const { name, uri, url } = await start({ env, platform: gcpPlatform }, stack.gcp.registryUrl());
  const [login] = await (await node(uri.slice(0, uri.lastIndexOf("/")), url)).pull(web, uri);
  expect(login?.username).toBe("oauth2accesstoken");
  expect(await pull(stack.gcp.registryUrl(), name, login)).toEqual(image);
});

test("Azure Container Registry takes the bearer as the password of the user that means a token", async () => {
  const stack = await startAzure();
  useEnvironment(stack);
  const env = { ...stack.env(), ALIEN_IMAGES_BINDING: stack.binding("images") };
  const registry = stack.azure.registryUrl(stack.registryName);
  const { name, uri, url } = await start({ env, platform: azurePlatform }, registry);
  const [login] = await (await node(uri.split("/")[0] ?? "", url)).pull(web, uri);
  expect(login?.username).toBe("00000000-0000-0000-0000-000000000000");
  expect(await pull(registry, name, login)).toEqual(image);
});

test("a registry of somebody else's: static accounts work, and a bearer is an error that says what to do", async () => {
  const bench = await startBench();
  onTestFinished(() => bench.stop());
  const bound = (more: object) => {
    const binding = { service: "external", registryUrl: bench.registry.url, repositoryPrefix: "images", ...more };
    return {
      env: { ALIEN_IMAGES_BINDING: JSON.stringify({ ...binding, ...bench.accounts.files }) },
      platform: externalPlatform,
    };
  };
  const fixed = await start(bound({ staticCredentials: true }), bench.registry.url);
  const [host = ""] = fixed.uri.split("/");
  const [login] = await (await node(host, fixed.url)).pull(web, fixed.uri);
  expect(await pull(bench.registry.url, fixed.name, login)).toEqual(image);

  // Images name another host than the binding, as those of Docker Hub do.
  const hub = await startKubelet({
    provider,
    issuer,
    config: { registries: [{ ...documented.entry, images: "docker.io", registryHost: host, function: fixed.url }] },
  });
  expect(await hub.pull(web, `docker.io/${fixed.name}`)).toEqual([login]);

  const tokens = await start(bound({}), bench.registry.url);
  const refused = await node(host, tokens.url);
  expect(await refused.pull(web, tokens.uri)).toEqual([]);
  await expect.poll(refused.log).toMatch(/takes a bearer token, and a node can only send .*staticCredentials/);
});
