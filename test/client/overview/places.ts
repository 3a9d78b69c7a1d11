import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Environment, Platform } from "../../../core/platform.ts";
import { platform as aws } from "../../../functions/aws/index.ts";
import { platform as azure } from "../../../functions/azure/index.ts";
import { platform as gcp } from "../../../functions/gcp/index.ts";
import { platform as kubernetes } from "../../../functions/kubernetes/index.ts";
import { keyFile, localPlatform } from "../../../functions/local/index.ts";
import { serveRegistry } from "../../../oci/registry/index.ts";
import { loadTokenKey } from "../../../oci/token/index.ts";
import { startStack as startAws } from "../../aws/support/stack.ts";
import { startStack as startAzure } from "../../azure/support/stack.ts";
import { startStack as startGcp } from "../../gcp/support/stack.ts";
import { mountAccounts } from "../../kubernetes/support/files.ts";
import { startOurRegistry } from "../../kubernetes/support/our-registry.ts";

export interface Place {
  readonly platform: Platform;
  readonly env: Environment;
  /** The `uri` of the repository `my-app` there. */
  readonly uri: string;
  stop(): Promise<void>;
}

/** Where the overview's programs run: each platform, with the consumers that the overview names. */
export const places = { local, aws: onAws, gcp: onGcp, azure: onAzure, kubernetes: onKubernetes };

async function local(): Promise<Place> {
  const dataDir = await mkdtemp(join(tmpdir(), "overview-local-"));
  const registry = await serveRegistry({
    dataDir,
    key: await loadTokenKey(keyFile(dataDir)),
    host: "127.0.0.1",
    port: 0,
  });
  return {
    platform: localPlatform({ registryUrl: registry.url, dataDir }),
    env: { ALIEN_IMAGES_BINDING: '{"service":"local"}' },
    uri: `${new URL(registry.url).host}/images/my-app`,
    async stop() {
      await registry.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function onAws(): Promise<Place> {
  const stack = await startAws();
  stack.emulator.account("987654321098");
  stack.emulator.role("987654321098", "lambda-execution");
  stack.useInThisProcess();
  return {
    platform: aws,
    env: { ...stack.env(), ALIEN_IMAGES_BINDING: stack.binding("images") },
    uri: "111122223333.dkr.ecr.us-east-1.amazonaws.com/images-my-app",
    stop: () => stack.stop(),
  };
}

async function onGcp(): Promise<Place> {
  const stack = await startGcp();
  stack.gcp.project("project", "123456789");
  stack.gcp.serviceAccount("sa", { project: "project" });
  stack.useInThisProcess();
  return {
    platform: gcp,
    env: { ...stack.env(), ALIEN_IMAGES_BINDING: stack.binding("images") },
    uri: "europe-west1-docker.pkg.dev/vendor-project/images/my-app",
    stop: () => stack.stop(),
  };
}

async function onAzure(): Promise<Place> {
  const stack = await startAzure();
  stack.useInThisProcess();
  return {
    platform: azure,
    env: { ...stack.env(), ALIEN_IMAGES_BINDING: stack.binding("images") },
    uri: `${stack.loginServer}/images/my-app`,
    stop: () => stack.stop(),
  };
}

async function onKubernetes(): Promise<Place> {
  const registry = await startOurRegistry(["images"]);
  const accounts = await mountAccounts({
    account: registry.account(["pull", "push", "delete"]),
    pullAccount: registry.account(["pull"]),
    pushAccount: registry.account(["pull", "push"]),
  });
  const binding = { service: "external", registryUrl: registry.url, repositoryPrefix: "images", ...accounts.files };
  return {
    platform: kubernetes,
    env: { ALIEN_IMAGES_BINDING: JSON.stringify(binding) },
    uri: `${new URL(registry.url).host}/images/my-app`,
    async stop() {
      await registry.stop();
      await accounts.remove();
    },
  };
}
