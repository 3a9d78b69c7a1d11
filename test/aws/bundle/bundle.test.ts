import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleOf } from "../../support/bundle.ts";
import type { ColdStart } from "../../support/cold-start.ts";
import { httpEventOf } from "../handler/events.ts";
import { functionEnv } from "../handler/functions.ts";
import { type AwsStack, startStack } from "../support/stack.ts";
import { coldStart } from "./child.ts";

/** Bytes that a cold request for credentials may load, minified. */
const budget = 130 * 1024;

/** What it does without until it is used. */
const lazy = [
  "@aws-sdk/client-ecr",
  "@aws-sdk/client-sts",
  "@aws-sdk/client-iam",
  "@aws-sdk/client-ecr-public",
  "@aws-sdk/client-dynamodb",
  "@aws-sdk/client-sqs",
  "jose",
  "@valibot/to-json-schema",
] as const;

const bundle = bundleOf("aws");
const { contentOf } = bundle;

let stack: AwsStack;
beforeAll(async () => {
  bundle.build();
  stack = await startStack();
});
afterAll(() => stack?.stop());

const start = (door: string, event: object, more: Record<string, string> = {}) =>
  coldStart(join(bundle.dir, "index.js"), event, functionEnv(stack, door, more));
const packagesIn = ({ loaded }: ColdStart<unknown>) =>
  lazy.filter((name) => contentOf(loaded).modules.some((module) => module.startsWith(`node_modules/${name}/`)));

const credentials = { repoId: "images-my-app", permissions: "pull" };
const credentialsCall = { operation: "generateCredentials", registry: "images", ...credentials };

describe("a cold request for credentials", () => {
  test("loads no more than its budget, and nothing that it does not need", async () => {
    const run = await start("invoke", credentialsCall);
    expect(run.answer).toMatchObject({ username: "AWS" });
    const { bytes, modules } = contentOf(run.loaded);
    console.log(`a cold request for credentials loads ${(bytes / 1024).toFixed(1)} KiB`);
    expect(bytes).toBeLessThanOrEqual(budget);
    expect(packagesIn(run)).toEqual([]);
    // The counting counts: what it does need is there.
    expect(modules).toContain("functions/aws/ecr/credentials.ts");
    expect(modules).toContain("self-contained:@smithy/signature-v4");
    expect(modules.filter((module) => /node_modules\/@(?:aws-sdk|smithy)\//.test(module))).toEqual([]);
  });

  test("over HTTP too", async () => {
    const run = await start("platform", httpEventOf("function-url-iam", "generateCredentials", credentials));
    expect(run.answer).toMatchObject({ statusCode: 200 });
    expect(contentOf(run.loaded).bytes).toBeLessThanOrEqual(budget);
    expect(packagesIn(run)).toEqual([]);
  });
});

describe("what is loaded lazily is there when it is used", () => {
  const get = { requestContext: { http: { method: "GET" } }, body: undefined };
  const account = { type: "aws", accountIds: ["111122223333"], regions: [], roleArns: [], allowedServiceTypes: [] };
  const issuers = JSON.stringify([{ issuer: "http://127.0.0.1:9", audience: "registry" }]);

  test("DynamoDB for an edit", async () => {
    await start("invoke", { operation: "createRepository", registry: "images", name: "my-app" });
    const input = { operation: "addCrossAccountAccess", registry: "images", repoId: "my-app", access: account };
    const run = await start("invoke", input);
    expect(run.answer).toEqual({});
    expect(packagesIn(run)).toEqual(["@aws-sdk/client-ecr", "@aws-sdk/client-sts", "@aws-sdk/client-dynamodb"]);
  });

  test("IAM for provisioning", async () => {
    const run = await start("provision", { operation: "describeRegistry", registry: "images" });
    expect(run.answer).toMatchObject({ service: "ecr" });
    expect(packagesIn(run)).toContain("@aws-sdk/client-iam");
  });

  test("SQS for a dead letter", async () => {
    const event = { version: "0", id: "1", source: "x", "detail-type": "x", time: "", region: "", account: "" };
    expect(packagesIn(await start("events", { ...event, detail: {} }))).toEqual(["@aws-sdk/client-sqs"]);
  });

  test("ECR Public for a public registry", async () => {
    const binding = '{"service":"ecr-public","repositoryPrefix":"images"}';
    const run = await start("invoke", credentialsCall, { ALIEN_IMAGES_BINDING: binding });
    expect(run.error?.name).toBe("BINDING_CONFIG_INVALID");
    expect(packagesIn(run)).toEqual(["@aws-sdk/client-ecr-public"]);
  });

  test("jose behind the oidc door", async () => {
    const event = httpEventOf("function-url-public", "generateCredentials", credentials);
    const run = await start("oidc", event, { ALIEN_OIDC_ISSUERS: issuers });
    expect(run.answer).toMatchObject({ statusCode: 401 });
    expect(packagesIn(run)).toEqual(["jose"]);
  });

  test("the OpenAPI document for who asks", async () => {
    const run = await start(
      "platform",
      httpEventOf("function-url-public", "", {}, { ...get, rawPath: "/openapi.json" }),
    );
    expect(run.answer).toMatchObject({ statusCode: 200 });
    expect(packagesIn(run)).toEqual(["@valibot/to-json-schema"]);
  });
});

describe("the folder", () => {
  const files = () => readdirSync(bundle.dir, { recursive: true, encoding: "utf8" });

  test("is what is zipped, and nothing else", () => {
    const others = files().filter((name) => !/^chunks(\/[\w-]+\.js)?$/.test(name));
    expect(others.sort()).toEqual(["LICENSES.txt", "index.js", "package.json"]);
    const maps = readdirSync(bundle.mapsDir, { recursive: true, encoding: "utf8" });
    for (const name of files().filter((each) => each.endsWith(".js"))) expect(maps).toContain(`${name}.map`);
  });

  test("holds no secret of this machine, no test, and no other cloud's code", () => {
    const foreign =
      /^(?:test|client|oci|functions\/(?!aws\/))|node_modules\/(?:@google-cloud|google-|@azure|@cloud-copilot)/;
    expect(bundle.allModules().filter((module) => foreign.test(module))).toEqual([]);
    for (const name of files().filter((each) => each.endsWith(".js"))) {
      expect(readFileSync(join(bundle.dir, name), "utf8")).not.toContain(process.cwd());
    }
  });
});
