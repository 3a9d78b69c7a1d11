import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Platform } from "../../../core/platform.ts";
import { createHandler } from "../../../functions/aws/doors/handler.ts";
import { platform as azurePlatform } from "../../../functions/azure/index.ts";
import { platform as gcpPlatform } from "../../../functions/gcp/index.ts";
import { serveLocal } from "../../../functions/local/serve.ts";
import { serveRegistry } from "../../../oci/registry/index.ts";
import { loadTokenKey, mintToken } from "../../../oci/token/index.ts";
import { contextOf } from "../../aws/handler/context.ts";
import { httpEventOf } from "../../aws/handler/events.ts";
import { functionEnv } from "../../aws/handler/functions.ts";
import { startStack as startAws } from "../../aws/support/stack.ts";
import { startStack as startAzure } from "../../azure/support/stack.ts";
import { startStack as startGcp } from "../../gcp/support/stack.ts";
import { openSuite } from "../../support/suite.ts";
import { withoutRecording } from "./recorder.ts";

type Step = () => Promise<unknown>;

/** Something of ours that runs, and what can be asked of it. */
export interface Subject {
  /**
   * By name: the steps that lead to an operation, the last of which is the operation itself. Everything is asked for once
   * to warm up, and once more to be recorded; `turn` makes names that are not yet taken.
   */
  readonly operations: Readonly<Record<string, (turn: string) => readonly Step[]>>;
  stop(): Promise<void>;
}

/** In the order of the table. AWS starts at the Lambda event, Google Cloud and Azure at `core/http`, the servers at a request. */
export const subjects: Readonly<Record<string, () => Promise<Subject>>> = {
  aws: openAws,
  gcp: openGcp,
  azure: openAzure,
  local: openLocal,
  registry: openRegistry,
};

async function openAws(): Promise<Subject> {
  const [consumer, replica] = ["222222222222", "eu-west-1"];
  const stack = await withoutRecording(() => startAws({ accounts: [consumer], replicaRegions: [replica] }));
  stack.useInThisProcess();
  const binding = stack.binding("images", { replicationRegions: [replica] });
  const env = functionEnv(stack, "platform", { ALIEN_IMAGES_BINDING: binding });
  const handler = createHandler(env, { audit: () => undefined });
  const ask = (operation: string, input: object) => async () => {
    const answer = await handler(httpEventOf("function-url-iam", operation, input), contextOf());
    const { statusCode, body } = answer as { readonly statusCode: number; readonly body: string };
    expectStatus(operation, statusCode, body);
  };
  const create = (name: string) => ask("createRepository", { name });
  const grant = { accountIds: [consumer], regions: ["us-east-1"], roleArns: [], allowedServiceTypes: ["worker"] };
  const edit = (operation: string, name: string) =>
    ask(operation, { repoId: `images-${name}`, access: { type: "aws", ...grant } });
  const [add, remove] = ["addCrossAccountAccess", "removeCrossAccountAccess"];
  return {
    operations: {
      generateCredentials: (turn) => [
        create(`mint-${turn}`),
        ask("generateCredentials", { repoId: `images-mint-${turn}`, permissions: "pull" }),
      ],
      createRepository: (turn) => [create(`create-${turn}`)],
      addCrossAccountAccess: (turn) => [create(`add-${turn}`), edit(add, `add-${turn}`)],
      removeCrossAccountAccess: (turn) => [
        create(`remove-${turn}`),
        edit(add, `remove-${turn}`),
        edit(remove, `remove-${turn}`),
      ],
    },
    stop: () => stack.stop(),
  };
}

async function openGcp(): Promise<Subject> {
  const stack = await withoutRecording(() => startGcp());
  stack.useInThisProcess();
  const ask = asker(gcpPlatform, { ...stack.env(), ALIEN_IMAGES_BINDING: stack.binding("images") });
  const email = stack.gcp.serviceAccount("consumer");
  const access = { type: "gcp", projectNumbers: [], serviceAccountEmails: [email], allowedServiceTypes: [] };
  const edit = (operation: string) => ask(operation, { repoId: "my-app", access });
  const [add, remove] = [edit("addCrossAccountAccess"), edit("removeCrossAccountAccess")];
  return {
    operations: {
      generateCredentials: (turn) => [ask("generateCredentials", { repoId: `mint-${turn}`, permissions: "pull" })],
      // The grant is to the whole registry: the first turn leaves it there.
      addCrossAccountAccess: () => [remove, add],
      removeCrossAccountAccess: () => [add, remove],
    },
    stop: () => stack.stop(),
  };
}

async function openAzure(): Promise<Subject> {
  const stack = await withoutRecording(() => startAzure());
  stack.useInThisProcess();
  const ask = asker(azurePlatform, { ...stack.env(), ALIEN_IMAGES_BINDING: stack.binding("images") });
  return {
    operations: {
      generateCredentials: (turn) => [
        ask("createRepository", { name: turn }),
        ask("generateCredentials", { repoId: turn, permissions: "pull" }),
      ],
    },
    stop: () => stack.stop(),
  };
}

async function openLocal(): Promise<Subject> {
  const dataDir = await mkdtemp(join(tmpdir(), "trace-local-"));
  const token = "caller-token";
  const env = { PORT: "0", REGISTRY_PORT: "0", DATA_DIR: dataDir, ALIEN_CALLER_TOKEN: token };
  const suite = await serveLocal(env, { audit: () => undefined });
  const ask = (operation: string, input: object) => async () => {
    const headers = { authorization: `Bearer ${token}` };
    const body = JSON.stringify({ registry: "images", ...input });
    const answer = await fetch(`${suite.url}/v1/${operation}`, { method: "POST", headers, body });
    expectStatus(operation, answer.status, await answer.text());
  };
  return {
    operations: {
      generateCredentials: (turn) => [
        ask("createRepository", { name: turn }),
        ask("generateCredentials", { repoId: `images/${turn}`, permissions: "pull" }),
      ],
    },
    async stop() {
      await suite.close();
      await rm(dataDir, { recursive: true });
    },
  };
}

async function openRegistry(): Promise<Subject> {
  const dataDir = await mkdtemp(join(tmpdir(), "trace-registry-"));
  const key = await loadTokenKey(join(dataDir, "token.key"));
  const registry = await serveRegistry({ dataDir, key, host: "127.0.0.1", port: 0 });
  const bearer = mintToken(key, {
    subject: "trace",
    access: [{ type: "repository", name: "my-app", actions: ["pull", "push"] }],
    audience: "registry",
    expiresAt: new Date(Date.now() + 3_600_000),
  });
  const send = async (method: string, path: string, status: number, headers: object = {}, body?: string) => {
    const init = { method, headers: { authorization: `Bearer ${bearer}`, ...headers }, ...(body && { body }) };
    const answer = await fetch(new URL(path, registry.url), init);
    if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  return {
    operations: {
      "PUT of a blob": (content) => {
        let location = "";
        const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
        const range = { "content-range": `0-${content.length - 1}` };
        return [
          async () => {
            const begun = await send("POST", "/v2/my-app/blobs/uploads/", 202);
            location = begun.headers.get("location") ?? "";
          },
          () => send("PUT", `${location}?digest=${digest}`, 201, range, content),
        ];
      },
    },
    async stop() {
      await registry.close();
      await rm(dataDir, { recursive: true });
    },
  };
}

/** Asks a platform over `core/http`, without a door of its cloud. */
function asker(platform: Platform, env: Readonly<Record<string, string>>) {
  const suite = openSuite(platform, env);
  return (operation: string, input: object) => async () => {
    const { status, text } = await suite.ask(operation, input);
    expectStatus(operation, status, text);
  };
}

function expectStatus(operation: string, status: number, text: string): void {
  if (status !== 200) throw new Error(`${operation} was answered with ${status}: ${text}`);
}
