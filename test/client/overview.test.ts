import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { artifactRegistry, type Registry } from "../../client/index.ts";
import { type Suite, startSuite } from "../contract/harness.ts";
import { type Place, places } from "./overview/places.ts";
import { type Programs, snippet, snippetNames, writePrograms } from "./overview/programs.ts";

/** The overview itself, where it lies beside the clone. */
const reference = new URL("../../../shared/reference/overview.txt", import.meta.url);

let programs: Programs;
beforeAll(async () => {
  programs = await writePrograms();
});
afterAll(() => programs.remove());

if (existsSync(reference)) {
  it.each(snippetNames)("the snippet %s is as the overview prints it", async (name) => {
    const text = await snippet(name);
    expect(text.split("\n").length).toBeGreaterThan(3);
    expect(readFileSync(reference, "utf8")).toContain(text.trimEnd());
  });
}

it("the snippets type-check", () => programs.check(), 120_000);

it("the stack's snippet declares a registry", async () => {
  const { exported } = await programs.run("stack", {});
  expect(exported).toEqual({ registry: { registry: "images", replicationRegions: ["us-west-2", "eu-west-1"] } });
});

const notSupported = { code: "OPERATION_NOT_SUPPORTED", retryable: false, hint: expect.any(String) };
const notHere = { code: "INVALID_INPUT", retryable: false };
const awsAccess = {
  type: "aws",
  accountIds: ["987654321098"],
  regions: ["us-east-1"],
  roleArns: ["arn:aws:iam::987654321098:role/lambda-execution"],
  allowedServiceTypes: ["worker"],
};
const gcpAccess = {
  type: "gcp",
  projectNumbers: ["123456789"],
  serviceAccountEmails: ["sa@project.iam.gserviceaccount.com"],
  allowedServiceTypes: ["worker"],
};
/** Per platform: what the user name is, and what becomes of the two grants. */
const expected = {
  local: { username: "token", aws: notSupported, gcp: notSupported },
  aws: { username: "AWS", aws: { access: awsAccess }, gcp: notHere },
  gcp: { username: "oauth2accesstoken", aws: notHere, gcp: { access: gcpAccess, scope: "registry" } },
  azure: { username: "", aws: notSupported, gcp: notSupported },
  kubernetes: { username: "", aws: notSupported, gcp: notSupported },
} as const;

describe.each(Object.entries(expected))("the overview on %s", (name, { username, ...grants }) => {
  let place: Place;
  let suite: Suite;
  let registry: Registry;
  /** What the environment of a worker tells the programs. */
  let env: Record<string, string>;
  beforeAll(async () => {
    place = await places[name as keyof typeof places]();
    suite = await startSuite(place.platform, place.env, ["images"]);
    // How each cloud's callers prove who they are, the tests of the handlers hold; here it is a token on every platform.
    const auth = { type: "token", variable: "ALIEN_CALLER_TOKEN" };
    const binding = { service: "function", url: suite.url, platform: name, auth };
    env = { ALIEN_IMAGES_BINDING: JSON.stringify(binding), ALIEN_CALLER_TOKEN: "token-of-alice" };
    registry = await artifactRegistry("images", { env });
  });
  afterAll(async () => {
    await suite.stop();
    await place.stop();
  });

  it("the quick start creates a repository and opens it", async () => {
    const { printed, exported, error } = await programs.run("quick-start", env);
    expect(error).toBeUndefined();
    expect(printed).toBe(`${place.uri}\n`);
    const credentials = { username, password: expect.stringMatching(/./), expiresAt: expect.any(String) };
    expect(exported).toMatchObject({ repo: { uri: place.uri }, creds: credentials, hour: credentials });
  });

  it.each(["aws", "gcp"] as const)("the %s grant does what the platform can", async (cloud) => {
    const outcome = await programs.run(`${cloud}-access`, env);
    const wanted = grants[cloud];
    if ("code" in wanted) {
      expect(outcome.error).toMatchObject(wanted);
      return;
    }
    expect(outcome.error).toBeUndefined();
    expect(await registry.getCrossAccountAccess("my-app")).toMatchObject(wanted);
  });
});
