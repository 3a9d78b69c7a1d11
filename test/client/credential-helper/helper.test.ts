import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { credentialHelper } from "../../../client/credential-helper/helper.ts";
import { artifactRegistry } from "../../../client/index.ts";
import { startFake } from "../support/server.ts";
import { startLocal, type TestSuite } from "../support/suite.ts";
import { configured } from "./support/configure.ts";

let suite: TestSuite;
let host: string;
beforeAll(async () => {
  suite = await startLocal();
  host = new URL(suite.registryUrl).host;
  const registry = await artifactRegistry("images", { env: {}, url: suite.url, token: suite.token });
  await registry.createRepository("my-app");
  await registry.createRepository("other");
});
afterAll(() => suite.stop());

const bound = () => ({ service: "function", url: suite.url, platform: "local" });
const account = (more: object = {}) => ({ registry: "images", repository: "my-app", binding: bound(), ...more });

async function helperFor(more: object = {}, env: Record<string, string> = {}) {
  const content = { registries: { [host]: account(more) } };
  const warnings: string[] = [];
  const helper = credentialHelper(await configured(content, { ALIEN_CALLER_TOKEN: suite.token, ...env }), (line) =>
    warnings.push(line),
  );
  onTestFinished(() => expect(warnings).toEqual([]));
  return helper;
}

/** What the registry says to this login: 200 for what it opens. */
async function status(login: { username: string; password: string }, path: string, method = "GET") {
  const authorization = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
  return (await fetch(new URL(path, suite.registryUrl), { method, headers: { authorization } })).status;
}
const [list, upload] = ["/v2/images/my-app/tags/list", "/v2/images/my-app/blobs/uploads/"];

describe("get", () => {
  it("answers what the registry takes, for this repository and permission", async () => {
    const pull = await (await helperFor()).get(host);
    expect(pull.username).toBe("token");
    expect(await status(pull, list)).toBe(200);
    expect([401, 403]).toContain(await status(pull, upload, "POST"));
    expect([401, 403]).toContain(await status(pull, "/v2/images/other/tags/list"));
    const push = await (await helperFor({ permissions: "push-pull" })).get(`http://${host}/v2/`);
    expect(await status(push, upload, "POST")).toBe(202);
  });

  it("answers for the longest path that leads to what a client asks for, and for no other", async () => {
    const registries = {
      [host]: account(),
      [`${host}/images/other`]: account({ repository: "other", permissions: "push-pull" }),
    };
    const helper = credentialHelper(await configured({ registries }, { ALIEN_CALLER_TOKEN: suite.token }), () => {});
    const opens = async (asked: string) => {
      const login = await helper.get(asked);
      return [await status(login, list), await status(login, "/v2/images/other/tags/list")].map((each) => each === 200);
    };
    const [mine, others] = [
      [true, false],
      [false, true],
    ];
    for (const asked of [host, `https://${host}/v2/`, `${host}/images/my-app`, `${host}/images/other-app`]) {
      expect([asked, await opens(asked)]).toEqual([asked, mine]);
    }
    for (const asked of [`${host}/images/other`, `https://${host}/images/other/`, `${host}/images/other/below`]) {
      expect([asked, await opens(asked)]).toEqual([asked, others]);
    }
    expect(await helper.list()).toEqual({ [host]: "token", [`${host}/images/other`]: "token" });
  });

  it("answers for a path alone where the configuration has no account for its host", async () => {
    const registries = { [`${host}/images/other`]: account({ repository: "other" }) };
    const helper = credentialHelper(await configured({ registries }, { ALIEN_CALLER_TOKEN: suite.token }), () => {});
    expect(await status(await helper.get(`${host}/images/other`), "/v2/images/other/tags/list")).toBe(200);
    for (const asked of [host, `${host}/images`, `${host}/images/others`]) {
      await expect(helper.get(asked)).rejects.toThrow("credentials not found in native keychain");
    }
  });

  it("pulls from several repositories of one host by one login", async () => {
    const login = await (await helperFor({ alsoPull: ["other"] })).get(host);
    expect([await status(login, list), await status(login, "/v2/images/other/tags/list")]).toEqual([200, 200]);
  });

  it("takes the binding of the environment too", async () => {
    const env = { ALIEN_IMAGES_BINDING: JSON.stringify(bound()) };
    const { password } = await (await helperFor({ binding: undefined }, env)).get(host);
    expect(password).not.toBe("");
  });

  it("runs the registry's own adapter where its own binding is given", async () => {
    const binding = { service: "local", registryUrl: suite.registryUrl, dataDir: suite.settings.dataDir };
    const login = await (await helperFor({ binding })).get(host);
    expect(await status(login, list)).toBe(200);
  });

  it("knows no other host", async () => {
    const helper = await helperFor();
    for (const other of ["index.docker.io", `https://${host}@evil.example/`, "127.0.0.1", `${host}0`]) {
      await expect(helper.get(other)).rejects.toThrow("credentials not found in native keychain");
    }
  });

  it("never says 'not found' of what failed: a client would go on without credentials", async () => {
    const cases: [object, Record<string, string>, string][] = [
      [{ repository: "nowhere/../x" }, {}, "INVALID_INPUT"],
      [{}, { ALIEN_CALLER_TOKEN: "another" }, "AUTHENTICATION_ERROR"],
      [{ binding: undefined }, {}, "BINDING_NOT_CONFIGURED"],
      [{ binding: undefined }, { ALIEN_IMAGES_BINDING: "{" }, "BINDING_CONFIG_INVALID"],
      [{ binding: { service: "nothing" } }, {}, "BINDING_CONFIG_INVALID"],
      [
        { binding: { service: "function", platform: "local", url: "http://far.example" } },
        {},
        "BINDING_CONFIG_INVALID",
      ],
    ];
    for (const [more, env, code] of cases) {
      await expect((await helperFor(more, env)).get(host)).rejects.toMatchObject({ code });
    }
  });

  it("asks again for a proof that could not be had", async () => {
    const github = await startFake("reset", { status: 503 }, { body: { value: suite.token } });
    const auth = { type: "github", audience: "api://functions" };
    const env = { ACTIONS_ID_TOKEN_REQUEST_URL: `${github.url}/?v=1`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: "runner" };
    expect((await (await helperFor({ binding: { ...bound(), auth } }, env)).get(host)).username).toBe("token");
    expect(github.seen).toHaveLength(3);
  });

  it("says where a function's binding is wrong", async () => {
    const helper = await helperFor({ binding: { service: "function", platform: "local", url: "ftp://x" } });
    await expect(helper.get(host)).rejects.toThrow(`helper.json: registries["${host}"].binding has no usable url.`);
  });
});

describe("store", () => {
  it("takes back what get has answered, and keeps nothing", async () => {
    const helper = await helperFor();
    await helper.store(host, "token");
    expect(await helper.list()).toEqual({ [host]: "token" });
  });

  it("refuses what would be lost", async () => {
    const helper = await helperFor();
    await expect(helper.store(host, "ann")).rejects.toThrow(`it mints the credentials of ${host} itself`);
    await expect(helper.store("index.docker.io", "ann")).rejects.toThrow("only for the hosts of its configuration");
  });
});

describe("erase and list", () => {
  it("are done without asking anybody", async () => {
    const helper = await helperFor({ binding: { service: "function", platform: "aws", url: "https://127.0.0.1:1" } });
    await helper.erase(host);
    await helper.erase("elsewhere.example");
    expect(await helper.list()).toEqual({ [host]: "AWS" });
  });
});
