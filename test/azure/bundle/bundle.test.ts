import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bundleOf } from "../../support/bundle.ts";
import type { ColdStart } from "../../support/cold-start.ts";
import { functionEnv } from "../handler/functions.ts";
import { eventIn, principalHeaders, withRole } from "../handler/golden.ts";
import { provisionPermissions } from "../provisioning/support/group.ts";
import { useStack } from "../support/registry.ts";
import { type Answer, type Asked, coldStart } from "./child.ts";

/** Bytes that a cold request for credentials may load. */
const budget = 200 * 1024;

const bundle = bundleOf("azure");
const { contentOf } = bundle;
const stack = useStack();
beforeAll(() => bundle.build());
beforeEach(() => {
  stack().azure.calls.length = 0;
});

const file = join(bundle.dir, "index.js");
const start = (door: string, asked: Asked, more: Record<string, string> = {}) =>
  coldStart(file, "artifactRegistry", asked, functionEnv(stack(), door, more));

/** The packages that are loaded only where they are needed. */
const lazy = [
  "@azure/identity",
  "@azure/arm-containerregistry",
  "@azure/arm-authorization",
  "@azure/arm-resources",
  "@azure/container-registry",
  // What verifies tokens; what decodes one is small, and there from the start.
  "jose/dist/webapi/jwks",
  "@valibot/to-json-schema",
];
const packagesIn = ({ loaded }: ColdStart<Answer>) => {
  const { modules } = contentOf(loaded);
  return lazy.filter((name) => modules.some((module) => module.startsWith(`node_modules/${name}/`)));
};
const call = (operation: string, input: object): Asked => ({
  path: `/v1/${operation}`,
  headers: principalHeaders(),
  body: { registry: "images", repoId: "my-app", ...input },
});
const credentials = call("generateCredentials", { permissions: "pull" });

describe("a cold request for credentials", () => {
  test("loads no more than its budget, no client of Resource Manager, and nothing that it does not need", async () => {
    const run = await start("platform", credentials);
    expect(run.answer).toMatchObject({ status: 200 });
    expect(JSON.parse(run.answer?.text ?? "")).toMatchObject({ authMethod: "bearer" });
    const { bytes, modules } = contentOf(run.loaded);
    console.log(`a cold request for credentials loads ${(bytes / 1024).toFixed(1)} KiB`);
    expect(bytes).toBeLessThanOrEqual(budget);
    expect(packagesIn(run)).toEqual([]);
    // The counting counts: what it does need is there.
    expect(modules).toContain("functions/azure/managed-identity.ts");
    expect(modules).toContain("functions/azure/acr/refresh-tokens.ts");
    expect(modules.some((module) => module.startsWith("node_modules/@azure/functions/"))).toBe(true);
    expect(
      modules.filter((module) =>
        /^functions\/azure\/(?:provisioning\/(?:de)?provision|arm\/client|doors\/events)\.ts/.test(module),
      ),
    ).toEqual([]);
  });

  test("loads nothing from elsewhere", async () => {
    const { loaded } = await start("platform", credentials);
    expect(loaded.filter((each) => !each.startsWith(`${bundle.dir}/`))).toEqual([]);
  });
});

describe("what is loaded lazily is there when it is used", () => {
  const answered = ({ answer }: ColdStart<Answer>) => ({
    status: answer?.status,
    body: JSON.parse(answer?.text || "{}"),
  });

  test("the client of Resource Manager for a scope map", async () => {
    const run = await start("platform", call("createRepository", { repoId: undefined, name: "my-app" }));
    expect(answered(run)).toMatchObject({ status: 200, body: { name: "images/my-app" } });
    expect(packagesIn(run)).toEqual(["@azure/arm-containerregistry"]);
  });

  test("both clients for a registry that is provisioned", async () => {
    const { azure, identity } = stack();
    const group = azure.resourceGroup(azure.resourceGroupName);
    azure.assign(identity, azure.role("Provisions registries", provisionPermissions).name, group);
    const asked = {
      path: "/",
      headers: withRole("ArtifactRegistry.Provisioner"),
      body: { operation: "provisionRegistry", registry: "images" },
    };
    const binding = stack().binding("fresh", { registryName: "freshimages", loginServer: undefined });
    const more = { ALIEN_IMAGES_BINDING: binding, ALIEN_AZURE_LOCATION: "westeurope" };
    const run = await start("provision", asked, more);
    expect(answered(run)).toMatchObject({ status: 200, body: { binding: { loginServer: "freshimages.azurecr.io" } } });
    expect(packagesIn(run)).toEqual(["@azure/arm-containerregistry", "@azure/arm-authorization"]);
  });

  test("Service Bus for a dead letter, without the client of Resource Manager", async () => {
    const { azure, identity } = stack();
    const { url, id } = azure.queue("letters");
    azure.assign(identity, "Azure Service Bus Data Sender", id);
    const event = eventIn("cloud-event", { time: "2020-01-01T00:00:00Z" });
    const env = functionEnv(stack(), "events", { ALIEN_DEAD_LETTER_QUEUE_URL: url });
    const run = await coldStart(file, "artifactRegistryEvents", { event }, env);
    expect(run.error).toBeUndefined();
    expect(azure.sent).toMatchObject([{ queue: "letters", properties: { code: "RESOURCE_CONFLICT" } }]);
    expect(packagesIn(run)).toEqual([]);
  });

  test("jose behind the oidc door, and no identity for who is nobody", async () => {
    const issuers = JSON.stringify([{ issuer: "http://127.0.0.1:9", audience: "registry" }]);
    const run = await start("oidc", credentials, { ALIEN_OIDC_ISSUERS: issuers });
    expect(answered(run)).toMatchObject({ status: 401 });
    expect(packagesIn(run)).toEqual(["jose/dist/webapi/jwks"]);
  });

  test("the OpenAPI document for who asks", async () => {
    const run = await start("platform", { method: "GET", path: "/openapi.json" });
    expect(answered(run)).toMatchObject({ status: 200 });
    expect(packagesIn(run)).toEqual(["@valibot/to-json-schema"]);
  });
});

describe("the folder", () => {
  const files = () => readdirSync(bundle.dir, { recursive: true, encoding: "utf8" });
  const read = (name: string) => JSON.parse(readFileSync(join(bundle.dir, name), "utf8"));

  test("is what is deployed, and nothing else", () => {
    const others = files().filter((name) => !/^chunks(\/[\w-]+\.js)?$/.test(name));
    expect(others.sort()).toEqual(["LICENSES.txt", "host.json", "index.js", "package.json"]);
    const maps = readdirSync(bundle.mapsDir, { recursive: true, encoding: "utf8" });
    for (const name of files().filter((each) => each.endsWith(".js"))) expect(maps).toContain(`${name}.map`);
  });

  test("says what the host must know, and installs nothing", () => {
    const manifest = read("package.json");
    expect(manifest).toMatchObject({ main: "index.js", type: "commonjs" });
    expect(manifest).not.toHaveProperty("dependencies");
    expect(read("host.json")).toMatchObject({
      version: "2.0",
      extensionBundle: { id: "Microsoft.Azure.Functions.ExtensionBundle" },
      extensions: { http: { routePrefix: "" }, serviceBus: { autoCompleteMessages: true } },
      logging: { applicationInsights: { samplingSettings: { excludedTypes: expect.stringContaining("Trace") } } },
    });
  });

  test("holds no secret of this machine, no test, and no other cloud's code", () => {
    const foreign =
      /^(?:test|client|functions\/(?!azure\/))|node_modules\/(?:@aws-sdk|@smithy|@google-cloud|google-auth-library|@grpc|@cloud-copilot)/;
    expect(bundle.allModules().filter((module) => foreign.test(module))).toEqual([]);
    for (const name of files().filter((each) => each.endsWith(".js"))) {
      expect(readFileSync(join(bundle.dir, name), "utf8")).not.toContain(process.cwd());
    }
  });
});
