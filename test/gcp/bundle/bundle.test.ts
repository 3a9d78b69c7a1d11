import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { bundleOf } from "../../support/bundle.ts";
import type { ColdStart } from "../../support/cold-start.ts";
import { functionEnv, rules } from "../handler/functions.ts";
import { type Golden, goldenOf, setupEvent, verifiedToken } from "../handler/golden.ts";
import { useStack } from "../support/registry.ts";
import { type Answer, coldStart } from "./child.ts";

/** Bytes that a cold request for credentials may load, minified. */
const budget = 120 * 1024;

/** What it does without until it is used. */
const lazy = [
  "@google-cloud/artifact-registry",
  "@grpc/grpc-js",
  "google-gax",
  "protobufjs",
  // What verifies tokens; what decodes one is small, and there from the start.
  "jose/dist/webapi/jwks",
  "@valibot/to-json-schema",
] as const;
const controlPlane = lazy.slice(0, 4);

const bundle = bundleOf("gcp");
const { contentOf } = bundle;
beforeAll(() => bundle.build());
const stack = useStack({ projectRoles: ["roles/iam.serviceAccountAdmin"] });

const start = (door: string, golden: Golden, more: Record<string, string> = {}) =>
  coldStart(join(bundle.dir, "index.js"), "artifactRegistry", golden, functionEnv(stack(), door, more));
const packagesIn = ({ loaded }: ColdStart<unknown>) =>
  lazy.filter((name) => contentOf(loaded).modules.some((module) => module.startsWith(`node_modules/${name}/`)));

/** The platform's token is of now: the function has no clock of the tests. */
const token = verifiedToken({ exp: Math.floor(Date.now() / 1_000) + 3_600 });
const authorization = `Bearer ${token}`;
const call = (operation: string, input: object) =>
  goldenOf("platform", {
    path: `/v1/${operation}`,
    body: { registry: "images", repoId: "my-app", ...input },
    headers: { authorization },
  });
const credentials = call("generateCredentials", { permissions: "pull" });

describe("a cold request for credentials", () => {
  test("loads no more than its budget, and nothing that it does not need", async () => {
    const run = await start("platform", credentials);
    expect(run.answer).toMatchObject({ status: 200 });
    expect(JSON.parse(run.answer?.text ?? "")).toMatchObject({ username: "oauth2accesstoken" });
    const { bytes, modules } = contentOf(run.loaded);
    console.log(`a cold request for credentials loads ${(bytes / 1024).toFixed(1)} KiB`);
    expect(bytes).toBeLessThanOrEqual(budget);
    expect(packagesIn(run)).toEqual([]);
    // The counting counts: what it does need is there.
    expect(modules).toContain("functions/gcp/gar/credentials.ts");
    expect(modules.filter((module) => /node_modules\/(?:google-|gaxios|gcp-)/.test(module))).toEqual([]);
  });

  test("called directly too", async () => {
    const { body } = credentials;
    const direct = { operation: "generateCredentials", ...(body as object) };
    const run = await start("invoke", goldenOf("direct", { body: direct }));
    expect(run.answer).toMatchObject({ status: 200 });
    expect(contentOf(run.loaded).bytes).toBeLessThanOrEqual(budget);
    expect(packagesIn(run)).toEqual([]);
  });

  test("loads nothing from elsewhere, but for the framework that runs it", async () => {
    const { loaded } = await start("platform", credentials);
    const elsewhere = loaded.filter((file) => !file.startsWith(`${bundle.dir}/`));
    expect(elsewhere.filter((file) => !file.includes("/node_modules/@google-cloud/functions-framework/"))).toEqual([]);
  });
});

describe("what is loaded lazily is there when it is used", () => {
  const consumer = {
    type: "gcp",
    projectNumbers: ["444455556666"],
    serviceAccountEmails: [],
    allowedServiceTypes: ["worker"],
  };
  const answered = ({ answer }: ColdStart<Answer>) => ({
    status: answer?.status,
    body: JSON.parse(answer?.text || "{}"),
  });

  test("the control plane for an edit of the policy", async () => {
    const run = await start("platform", call("addCrossAccountAccess", { access: consumer }));
    expect(answered(run)).toEqual({ status: 200, body: {} });
    expect(packagesIn(run)).toEqual(controlPlane);
  });

  test("the control plane for a deletion, whose operation is waited for", async () => {
    const run = await start("platform", call("deleteRepository", {}));
    expect(answered(run)).toEqual({ status: 200, body: {} });
    expect(stack().gcp.calls.map(({ action }) => action)).toContain("DeletePackage");
  });

  test("provisioning", async () => {
    const body = { operation: "describeRegistry", registry: "images" };
    const run = await start("provision", goldenOf("direct", { body }));
    expect(answered(run)).toMatchObject({ status: 200, body: { service: "gar" } });
  });

  test("Pub/Sub for a dead letter, without the control plane", async () => {
    const { gcp } = stack();
    const topic = gcp.topic("dead-letters");
    gcp.serviceAccount("function", { roles: { [topic]: ["roles/pubsub.publisher"] } });
    const golden = goldenOf("event-structured", { body: setupEvent({ time: "2020-01-01T00:00:00Z" }) });
    const env = functionEnv(stack(), "events");
    const run = await coldStart(join(bundle.dir, "index.js"), "artifactRegistryEvents", golden, env);
    expect(run.answer).toEqual({ status: 204, text: "" });
    expect(gcp.published).toMatchObject([{ topic, attributes: { code: "RESOURCE_CONFLICT" } }]);
    expect(packagesIn(run)).toEqual([]);
  });

  test("jose behind the oidc door", async () => {
    const issuers = JSON.stringify([{ issuer: "http://127.0.0.1:9", audience: "registry" }]);
    const run = await start("oidc", credentials, { ALIEN_OIDC_ISSUERS: issuers, ALIEN_ACCESS_RULES: rules });
    expect(answered(run)).toMatchObject({ status: 401 });
    expect(packagesIn(run)).toEqual(["jose/dist/webapi/jwks"]);
  });

  test("the OpenAPI document for who asks", async () => {
    const run = await start("platform", goldenOf("public", { method: "GET", path: "/openapi.json", body: undefined }));
    expect(answered(run)).toMatchObject({ status: 200 });
    expect(packagesIn(run)).toEqual(["@valibot/to-json-schema"]);
  });
});

describe("the folder", () => {
  const files = () => readdirSync(bundle.dir, { recursive: true, encoding: "utf8" });

  test("is what is uploaded, and nothing else", () => {
    const others = files().filter((name) => !/^chunks(\/[\w-]+\.js)?$/.test(name));
    expect(others.sort()).toEqual(["LICENSES.txt", "index.js", "package-lock.json", "package.json"]);
    const maps = readdirSync(bundle.mapsDir, { recursive: true, encoding: "utf8" });
    for (const name of files().filter((each) => each.endsWith(".js"))) expect(maps).toContain(`${name}.map`);
  });

  test("asks for the framework that it was tested with, and for nothing else", () => {
    const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
    const here = read(join(bundle.dir, "../../package-lock.json")).packages;
    const { version } = here["node_modules/@google-cloud/functions-framework"];
    const dependencies = { "@google-cloud/functions-framework": version };
    expect(read(join(bundle.dir, "package.json"))).toMatchObject({ main: "index.js", type: "commonjs", dependencies });
    const { packages } = read(join(bundle.dir, "package-lock.json"));
    expect(packages[""]).toMatchObject({ dependencies });
    for (const [path, locked] of Object.entries(packages)) if (path !== "") expect(locked).toEqual(here[path]);
    expect(packages).toHaveProperty(["node_modules/express"]);
  });

  test("holds no secret of this machine, no test, and no other cloud's code", () => {
    const foreign =
      /^(?:test|client|oci|functions\/(?!gcp\/))|node_modules\/(?:@aws-sdk|@smithy|@azure|@cloud-copilot)/;
    expect(bundle.allModules().filter((module) => foreign.test(module))).toEqual([]);
    for (const name of files().filter((each) => each.endsWith(".js"))) {
      expect(readFileSync(join(bundle.dir, name), "utf8")).not.toContain(process.cwd());
    }
  });
});
