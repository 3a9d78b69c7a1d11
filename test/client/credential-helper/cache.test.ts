import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { credentialHelper } from "../../../client/credential-helper/helper.ts";
import { ProtocolError } from "../../../client/credential-helper/protocol.ts";
import { type Reply, startFake } from "../support/server.ts";
import { startLocal } from "../support/suite.ts";
import { configured, folder } from "./support/configure.ts";
import { jwt } from "./support/forms/tokens.ts";
import { machine, useCompiled } from "./support/machine.ts";
import { type Item, saltName, systemStore } from "./support/store.ts";

useCompiled();

const host = "registry.example.com";
const epoch = Date.parse("2030-01-01T00:00:00Z");
const at = (seconds: number) => new Date(epoch + seconds * 1000);
const itemOf = (name: string, label: string, Secret = "secret"): Item => ({ ServerURL: name, Username: label, Secret });
const name = /^https:\/\/docker-credential-alien\.invalid\/[0-9a-f]{16}\.[0-9a-f]{64}$/;

/** Credentials of 100 seconds from that second on. */
const credentials = (password: string, from: number): Reply => ({
  body: {
    authMethod: "basic",
    username: "AWS",
    password,
    scope: "repository",
    expiresAt: at(from + 100).toISOString(),
  },
});

// Time stands, but for what a test says; timers run, since sockets and processes want them.
const clock = (seconds: number) => vi.useFakeTimers({ toFake: ["Date"], now: at(seconds) });
afterEach(() => {
  vi.useRealTimers();
});

async function arrange(replies: Reply[], env: Record<string, string> = {}) {
  clock(0);
  const store = await systemStore();
  const { url, seen } = await startFake(...replies);
  const warnings: string[] = [];
  const helper = async (more: object = {}, others: Record<string, string> = {}, of = host) => {
    const binding = { service: "function", url, platform: "aws", auth: { type: "token", variable: "CALLER" } };
    const account = { registry: "images", repository: "my-app", binding, ...more };
    const content = { cache: "secretservice", registries: { [of]: account } };
    const all = await configured(content, { ...store.env, CALLER: "caller", ...env, ...others });
    return credentialHelper(all, (line) => warnings.push(line));
  };
  return { store, seen, helper, warnings, url };
}

describe("the cache", () => {
  it("spares mints while half of the lifetime is left, across runs, and refreshes after that", async () => {
    const { helper, seen, store, warnings } = await arrange([credentials("first", 0), credentials("second", 50)]);
    const get = async () => (await (await helper()).get(host)).password;
    expect(await get()).toBe("first");
    clock(49);
    expect(await get()).toBe("first");
    expect(seen).toHaveLength(1);
    clock(50);
    expect(await get()).toBe("second");
    clock(99);
    expect(await get()).toBe("second");
    expect(seen).toHaveLength(2);
    expect(Object.keys(await store.logins())).toHaveLength(1);
    expect(warnings).toEqual([]);
  });

  it("takes nothing from a time that has not come", async () => {
    const { helper, seen } = await arrange([credentials("first", 60), credentials("second", 0)]);
    clock(60);
    await (await helper()).get(host);
    clock(0);
    expect((await (await helper()).get(host)).password).toBe("second");
    expect(seen).toHaveLength(2);
  });

  it("keeps apart what differs in anything that makes another credential", async () => {
    const { helper, seen, store, url } = await arrange([credentials("minted", 0)]);
    const binding = { service: "function", url, platform: "aws", auth: { type: "token", variable: "CALLER" } };
    const others: object[] = [
      {},
      { repository: "other" },
      { registry: "others" },
      { permissions: "push-pull" },
      { ttlSeconds: 60 },
      { binding: { ...binding, url: `${url}/` } },
      { binding: { ...binding, platform: "gcp" } },
      { binding: { ...binding, auth: { type: "token", variable: "CALLER", note: "another" } } },
      { binding: { ...binding, registryEndpoint: "https://a.example", upstreamRepositoryPrefix: "" } },
      { binding: { ...binding, registryEndpoint: "https://b.example", upstreamRepositoryPrefix: "" } },
    ];
    for (const more of others) await (await helper(more)).get(host);
    await (await helper({}, {}, "other.example")).get("other.example");
    const bound = { ALIEN_IMAGES_BINDING: JSON.stringify({ ...binding, url: `${url}/v` }) };
    await (await helper({ binding: undefined }, bound)).get(host);
    expect(seen).toHaveLength(others.length + 2);
    // Variables that are no proof make nobody another.
    await (await helper({}, { AWS_PROFILE: "another", AZURE_CLIENT_ID: "another", HOME: "/nowhere" })).get(host);
    expect(seen).toHaveLength(others.length + 2);
    const names = Object.keys(await store.logins());
    expect(names).toHaveLength(others.length + 2);
    for (const each of names) expect(each).toMatch(name);
  });

  it("keeps what was minted for the caller by whom it was minted, if another takes over meanwhile", async () => {
    const place = await folder();
    const [file, other] = [join(place, "token"), join(place, "other")];
    const here = await machine({ platform: "aws", auth: { type: "token", file } });
    await writeFile(file, "alice");
    await writeFile(other, "bob");
    // The store is asked after the proof was found, and before anything is minted by it.
    expect(await here.get({ STORE_COPIES: `${other} ${file}` })).toBe("minted-1");
    expect(here.minted[0]?.headers.authorization).toBe("Bearer alice");
    expect(await here.get({})).toBe("minted-2");
    await writeFile(file, "alice");
    expect(await here.get({})).toBe("minted-1");
  });

  it.each([
    ["has ended", { iss: "https://issuer.example", sub: "s", exp: 1 }],
    ["ends now", { iss: "https://issuer.example", sub: "s", exp: epoch / 1000 }],
  ])("is not asked by a token that %s", async (_title, claims) => {
    const { helper, store, seen } = await arrange([credentials("first", 0)]);
    for (const _run of [1, 2]) await (await helper({}, { CALLER: jwt(claims) })).get(host);
    expect(seen).toHaveLength(2);
    expect(await store.actions()).toEqual([]);
  });

  it.each([
    ["has no issuer", { sub: "s" }],
    ["has no subject", { iss: "i" }],
    ["has a subject that is no text", { iss: "i", sub: 1 }],
  ])("knows a token that %s by the whole of it", async (_title, claims) => {
    const { helper, seen } = await arrange([credentials("minted", 0)]);
    const [one, two] = [jwt(claims), jwt(claims)];
    for (const CALLER of [one, two, one, two]) await (await helper({}, { CALLER })).get(host);
    expect(seen).toHaveLength(2);
  });

  it("is not used for a registry's own binding: an adapter does not say whose identity it found", async () => {
    const suite = await startLocal();
    try {
      const binding = { service: "local", registryUrl: suite.registryUrl, dataDir: suite.settings.dataDir };
      const store = await systemStore();
      const account = { registry: "images", repository: "my-app", binding };
      const env = await configured({ cache: "secretservice", registries: { [host]: account } }, store.env);
      expect((await credentialHelper(env, () => {}).get(host)).username).toBe("token");
      expect(await store.actions()).toEqual([]);
    } finally {
      await suite.stop();
    }
  });

  it("does not keep static accounts, which tell no end, nor what ends at no time", async () => {
    const { expiresAt: _, ...body } = credentials("static", 0).body as Record<string, string>;
    const { helper, store } = await arrange([{ body }, { body: { ...body, expiresAt: "../../never" } }]);
    for (const _run of [1, 2]) expect((await (await helper()).get(host)).password).toBe("static");
    expect(await store.logins()).toEqual({});
  });

  it.each(["not JSON", "null", "{}", '{"login":{"password":"p"}}'])("mints where it finds %s", async (Secret) => {
    const { helper, store } = await arrange([credentials("first", 0)]);
    const one = await helper();
    await one.get(host);
    const [item] = Object.values(await store.logins());
    await store.put({ ...(item as Item), Secret });
    expect((await one.get(host)).password).toBe("first");
  });

  it("costs nobody the login where it fails, and says so without what it was given", async () => {
    const { helper, store, seen, warnings } = await arrange([credentials("s3cret", 0)]);
    await store.break();
    const one = await helper();
    expect((await one.get(host)).password).toBe("s3cret");
    expect(seen).toHaveLength(1);
    // It is asked no second time.
    expect(await store.actions()).toEqual(["get"]);
    expect(warnings).toEqual([
      "docker-credential-alien: the cache cannot be used: docker-credential-secretservice get ended with 1",
    ]);
    // Whoever logs out must know that it is still there.
    await expect(one.erase(host)).rejects.toThrow(
      new ProtocolError("docker-credential-secretservice list ended with 1"),
    );
  });

  it("is told to be missing where its program is", async () => {
    const { helper, warnings } = await arrange([credentials("first", 0)], { PATH: "/nowhere" });
    expect((await (await helper()).get(host)).password).toBe("first");
    expect(warnings[0]).toContain("docker-credential-secretservice cannot be run: ENOENT");
  });

  it("is not asked at all unless it is configured, nor for a host that is not", async () => {
    const { helper, store } = await arrange([credentials("first", 0)]);
    await expect((await helper()).get("elsewhere.example")).rejects.toThrow("credentials not found");
    await (await helper()).list();
    expect(await store.actions()).toEqual([]);
  });
});

describe("the names of entries", () => {
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

  it("tell nothing of who calls without the salt, which the store keeps as a secret", async () => {
    const [one, two] = [await arrange([credentials("minted", 0)]), await arrange([credentials("minted", 0)])];
    const tokens = ["guessable", jwt({ iss: "https://issuer.example", sub: "somebody" })];
    for (const { helper } of [one, two]) for (const CALLER of tokens) await (await helper({}, { CALLER })).get(host);
    const salts = await Promise.all([one, two].map(async ({ store }) => (await store.items())[saltName]?.Secret));
    for (const salt of salts) expect(Buffer.from(salt ?? "", "base64url")).toHaveLength(32);
    expect(salts[0]).not.toBe(salts[1]);
    const names = [...Object.keys(await one.store.logins()), ...Object.keys(await two.store.logins())];
    expect(new Set(names).size).toBe(4);
    const everything = JSON.stringify([await one.store.items(), await two.store.items()]);
    for (const token of tokens) {
      expect(everything).not.toContain(token);
      for (const plain of [token, JSON.stringify(token), JSON.stringify({ token })]) {
        expect(everything).not.toContain(sha256(plain));
      }
    }
  });

  it("have a new salt where the old one is lost, and nothing is found by the old", async () => {
    const { helper, store, seen } = await arrange([credentials("first", 0), credentials("second", 0)]);
    await (await helper()).get(host);
    for (const broken of ["", "too-short"]) await store.put(itemOf(saltName, "salt", broken));
    expect((await (await helper()).get(host)).password).toBe("second");
    expect((await (await helper()).get(host)).password).toBe("second");
    expect(seen).toHaveLength(2);
  });
});

describe("what is kept", () => {
  const foreign = itemOf("https://index.docker.io/v1/", "ann");
  const old = itemOf("https://docker-credential-alien.invalid/of-somebody-else", at(-1).toISOString());
  const users = ["AWS", "oauth2accesstoken", "token", "00000000-0000-0000-0000-000000000000"];
  const earlier = users.map((user, index) => itemOf(`https://docker-credential-alien.invalid/${index}`, user));

  it("is forgotten by erase, once and again: of every caller and account of the host, and nothing else", async () => {
    const { helper, store, seen } = await arrange([credentials("minted", 0)]);
    await store.put(foreign);
    for (const CALLER of ["alice", "bob"]) await (await helper({}, { CALLER })).get(host);
    await (await helper({ repository: "other" })).get(host);
    await (await helper({}, {}, "other.example")).get("other.example");
    const kept = await store.items();
    expect(Object.keys(kept)).toHaveLength(6);
    // Whoever logs out need not be anybody any more.
    const nobody = await helper({}, { CALLER: "" });
    await nobody.erase(`https://${host}/v2/`);
    await nobody.erase(host);
    expect(seen).toHaveLength(4);
    const left = await store.items();
    expect(left).toMatchObject({ [foreign.ServerURL]: foreign, [saltName]: kept[saltName] });
    expect(Object.keys(left)).toHaveLength(3);
    await (await helper({}, {}, "other.example")).get("other.example");
    expect(seen).toHaveLength(4);
    await (await helper({}, { CALLER: "alice" })).get(host);
    expect(seen).toHaveLength(5);
  });

  it("is said to be there where the store cannot tell", async () => {
    const { helper, store, warnings } = await arrange([credentials("minted", 0)]);
    await store.breakLists();
    const one = await helper();
    expect((await one.get(host)).password).toBe("minted");
    expect(warnings).toEqual([expect.stringContaining("list did not answer a JSON object")]);
    await expect(one.erase(host)).rejects.toThrow("docker-credential-secretservice list did not answer a JSON object");
  });

  it("goes when it has ended, as soon as somebody mints", async () => {
    const { helper, store, warnings } = await arrange([credentials("first", 0), credentials("second", 100)]);
    for (const item of [foreign, old, ...earlier]) await store.put(item);
    await (await helper({}, { CALLER: "alice" })).get(host);
    expect(Object.keys(await store.items())).toHaveLength(3);
    clock(100);
    await (await helper({}, { CALLER: "bob" })).get(host);
    const [item, ...more] = Object.values(await store.logins()).filter(
      ({ ServerURL }) => ServerURL !== foreign.ServerURL,
    );
    expect(more).toEqual([]);
    expect(item).toMatchObject({ Username: at(200).toISOString(), Secret: expect.stringContaining("second") });
    expect(await store.items()).toMatchObject({ [foreign.ServerURL]: foreign, [saltName]: expect.anything() });
    expect(warnings).toEqual([]);
  });
});
