import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient, pullImage, pushImage } from "../../../oci/client/index.ts";
import { buildImage } from "../../oci/client/images.ts";
import { expectLifetime } from "../../support/lifetime.ts";
import { type Bench, type Slot, startBench } from "./support/bench.ts";
import { startOpaque, type Width } from "./support/opaque.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterAll(() => bench.stop());

const mint = (slot: Slot, permissions: "pull" | "push-pull", more: object = {}, alsoPull?: readonly string[]) =>
  slot.suite(more).ask("generateCredentials", { repoId: slot.name, permissions, alsoPull });

const jwt = (claims: object) =>
  ["{}", JSON.stringify(claims), "x"].map((part) => Buffer.from(part).toString("base64url")).join(".");
const access = (name: string, ...actions: string[]) => [{ type: "repository", name, actions }];

describe("a token service", () => {
  test("is asked as the bound account, for exactly one repository and permission", async () => {
    const slot = await bench.slot();
    for (const permissions of ["pull", "push-pull"] as const) {
      const { body } = await mint(slot, permissions);
      expect(body).toMatchObject({ authMethod: "bearer", username: "", scope: "repository" });
      const asked = slot.front.passed.filter(({ service }) => service === "token").at(-1);
      const { searchParams } = new URL(asked?.url ?? "", slot.front.url);
      expect(searchParams.getAll("scope")).toEqual([
        `repository:${slot.name}:${permissions === "pull" ? "pull" : "pull,push"}`,
      ]);
    }
    expect(slot.front.passed.filter(({ url }) => url === "/v2/").map((each) => each.authorization)).toEqual([
      undefined,
      undefined,
    ]);
  });

  test("is asked for further repositories in scopes of their own", async () => {
    const slot = await bench.slot();
    const { status } = await mint(slot, "push-pull", {}, ["base", "tools"]);
    expect(status).toBe(200);
    const asked = slot.front.passed.filter(({ service }) => service === "token").at(-1);
    const { searchParams } = new URL(asked?.url ?? "", slot.front.url);
    const pulls = ["images/base", "images/tools"].map((name) => `repository:${name}:pull`);
    expect(searchParams.getAll("scope")).toEqual([`repository:${slot.name}:pull,push`, ...pulls]);
  });

  test("that leaves out one of the further repositories is told as such, and nothing is handed out", async () => {
    const slot = await bench.slot();
    const token = jwt({ access: access(slot.name, "pull") });
    slot.front.faults.add({ fault: { kind: "answer", output: { token, expires_in: 300 } }, service: "token" });
    const { body, text } = await mint(slot, "pull", {}, ["base"]);
    expect(body).toMatchObject({ code: "ACCESS_DENIED", context: { asked: expect.stringContaining("images/base") } });
    expect(text).not.toContain(token);
  });

  test("decides how long: the end is the token's own, or that of its answer where it is earlier", async () => {
    const slot = await bench.slot();
    const second = Math.floor(Date.now() / 1_000);
    const answers = async (exp: number, expiresIn?: number, issuedAt?: number) => {
      const token = jwt({ exp, access: access(slot.name, "pull") });
      const output = {
        token,
        ...(expiresIn !== undefined && { expires_in: expiresIn }),
        ...(issuedAt !== undefined && { issued_at: new Date(issuedAt * 1_000).toISOString() }),
      };
      slot.front.faults.add({ fault: { kind: "answer", output }, service: "token" });
      const { body } = await mint(slot, "pull");
      return new Date(String(body.expiresAt));
    };
    const at = (seconds: number) => new Date((second + seconds) * 1_000);
    const day = 86_400;
    expect(await answers(second + 3_600, day)).toEqual(at(3_600));
    await expectLifetime(3_000, () => answers(second + day, 3_000));
    expect(await answers(second + day, 3_600, second - 40)).toEqual(at(3_560));
    expect(await answers(second + day)).toEqual(at(day));
  });

  test("whose token has ended already is told that the clocks differ", async () => {
    const slot = await bench.slot();
    const output = { token: jwt({ exp: 1_000, access: access(slot.name, "pull") }), expires_in: 300 };
    slot.front.faults.add({ fault: { kind: "answer", output }, service: "token" });
    const { body } = await mint(slot, "pull");
    expect(body).toMatchObject({ code: "UNEXPECTED_RESPONSE_FORMAT", hint: expect.stringContaining("clocks") });
  });

  const wrong: [what: string, claims: object, code: string][] = [
    ["grants less", { access: [] }, "ACCESS_DENIED"],
    ["grants another repository", { access: access("images/other", "pull") }, "CLOUD_PLATFORM_ERROR"],
    ["grants more", { access: access("NAME", "pull", "push") }, "CLOUD_PLATFORM_ERROR"],
  ];
  test.each(wrong)("that %s is not believed, and nothing is handed out", async (_, claims, code) => {
    const slot = await bench.slot();
    const token = jwt(JSON.parse(JSON.stringify(claims).replace("NAME", slot.name)));
    slot.front.faults.add({ fault: { kind: "answer", output: { token, expires_in: 300 } }, service: "token" });
    const { body, text } = await mint(slot, "pull");
    expect(body).toMatchObject({ code, retryable: false, hint: expect.any(String) });
    expect(text).not.toContain(token);
  });

  test("that narrows to what the account may is told as such, naming the account", async () => {
    const slot = await bench.slot();
    const { body } = await mint(slot, "push-pull", { pushAccount: bench.accounts.files.pullAccount });
    expect(body).toMatchObject({ code: "ACCESS_DENIED", hint: expect.stringContaining("pushAccount") });
  });

  test.each(["pull", "push-pull"] as const)("is not asked without an account for %s", async (permissions) => {
    const slot = await bench.slot();
    const field = permissions === "pull" ? "pullAccount" : "pushAccount";
    const { body } = await mint(slot, permissions, { [field]: undefined });
    expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", context: { field } });
    expect(slot.front.passed).toEqual([]);
  });

  test("takes a rotated password without a restart, and a wrong one is told", async () => {
    const slot = await bench.slot();
    const suite = slot.suite();
    const ask = (permissions: string, ttlSeconds: number) =>
      suite.ask("generateCredentials", { repoId: slot.name, permissions, ttlSeconds });
    const secret = bench.accounts.secrets.pullAccount;
    try {
      await secret.replace({ username: "token", password: "out of date" });
      const { body, text } = await ask("pull", 1);
      expect(body).toMatchObject({ code: "BINDING_CONFIG_INVALID", context: { field: "pullAccount" } });
      expect(text + JSON.stringify(suite.audit)).not.toContain("out of date");
    } finally {
      await secret.replace({ ...bench.registry.account(["pull"]) });
    }
    expect((await ask("pull", 2)).status).toBe(200);
  });
});

describe("a token that tells nothing is tried out", () => {
  /** Behind opaque tokens stands what was asked for, or an account that opens more. */
  async function minting(
    width: Width | ((name: string) => Width),
    permissions: "pull" | "push-pull",
    alsoPull?: readonly string[],
  ) {
    const slot = await bench.slot();
    await pushImage(slot.client, slot.name, "1.0", buildImage({ seed: slot.name }));
    const opaque = await startOpaque(bench.registry.url, typeof width === "function" ? width(slot.name) : width, 200);
    try {
      const answer = await mint(slot, permissions, { registryUrl: opaque.url }, alsoPull);
      const pulled =
        answer.status === 200
          ? await pullImage(
              createClient({ url: opaque.url, credentials: { bearer: String(answer.body.password) } }),
              slot.name,
              "1.0",
            )
          : undefined;
      expect(opaque.stumbles).toEqual([]);
      return { ...answer, pulled };
    } finally {
      await opaque.stop();
    }
  }

  test.each(["pull", "push-pull"] as const)("%s: handed out where it opens what it says", async (permissions) => {
    await expectLifetime(200, async () => {
      const { status, body, pulled } = await minting("as asked", permissions);
      expect([status, body.scope, body.authMethod]).toEqual([200, "repository", "bearer"]);
      expect(pulled).toBeDefined();
      return String(body.expiresAt);
    });
  });

  const wide: [what: string, actions: string[], permissions: "pull" | "push-pull", does: string][] = [
    ["opens what lies beside", ["pull"], "pull", "pull"],
    ["pushes though it is to pull", ["pull", "push"], "pull", "push"],
    ["pushes elsewhere too", ["pull", "push"], "push-pull", "pull"],
    ["deletes", ["pull", "push", "delete"], "push-pull", "delete"],
  ];
  test.each(wide)("one that %s is refused", async (_, actions, permissions, does) => {
    const { body, text } = await minting(bench.registry.account(actions), permissions);
    expect(body).toMatchObject({
      code: "OPERATION_NOT_SUPPORTED",
      message: expect.stringContaining(`would ${does}`),
      hint: expect.stringContaining("staticCredentials"),
    });
    expect(text).not.toContain("opaque-word");
  });

  test("for further repositories too, where it opens what it says", async () => {
    expect((await minting("as asked", "push-pull", ["base"])).status).toBe(200);
  });

  test.each([
    ["does not open", [], "ACCESS_DENIED", "do not open"],
    ["pushes to", ["pull", "push"], "OPERATION_NOT_SUPPORTED", "would push"],
    ["deletes from", ["pull", "delete"], "OPERATION_NOT_SUPPORTED", "would delete"],
  ])("one that %s a further repository is refused", async (_, actions, code, said) => {
    const width = (name: string) => bench.registry.accountFor({ [name]: ["pull", "push"], "images/base": actions });
    const { body, text } = await minting(width, "push-pull", ["base"]);
    expect(body).toMatchObject({ code, message: expect.stringContaining(said) });
    expect(text).not.toContain("opaque-word");
  });

  test("one that opens nothing is refused too", async () => {
    const { body } = await minting({ username: "token", password: "of nobody" }, "pull");
    expect(body).toMatchObject({ code: "ACCESS_DENIED", hint: expect.any(String) });
  });
});

describe("without a token service", () => {
  test("with Basic only nothing is minted, and the way out is told", async () => {
    const slot = await bench.slot();
    const headers = { "www-authenticate": 'Basic realm="registry"' };
    slot.front.faults.add({ fault: { kind: "instead", status: 401, headers }, action: "GET /v2/" });
    const { status, body } = await mint(slot, "pull");
    expect([status, body.code]).toEqual([501, "OPERATION_NOT_SUPPORTED"]);
    expect(body.hint).toContain("staticCredentials");
    expect(slot.front.passed.length).toBe(1);
  });

  test("a registry that asks nobody has nothing to mint", async () => {
    const slot = await bench.slot();
    slot.front.faults.add({ fault: { kind: "instead", status: 200 }, action: "GET /v2/" });
    const { body } = await mint(slot, "pull");
    expect(body).toMatchObject({ code: "OPERATION_NOT_SUPPORTED", message: expect.stringContaining("asks nobody") });
  });
});
