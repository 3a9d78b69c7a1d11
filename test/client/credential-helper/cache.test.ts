import { afterEach, describe, expect, it, vi } from "vitest";
import { credentialHelper } from "../../../client/credential-helper/helper.ts";
import { ProtocolError } from "../../../client/credential-helper/protocol.ts";
import { type Reply, startFake } from "../support/server.ts";
import { configured } from "./support/configure.ts";
import { systemStore } from "./support/store.ts";

const host = "registry.example.com";
const epoch = Date.parse("2030-01-01T00:00:00Z");
const at = (seconds: number) => new Date(epoch + seconds * 1000);

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
  const helper = async (more: object = {}, others: Record<string, string> = {}) => {
    const binding = { service: "function", url, platform: "aws", auth: { type: "token", variable: "CALLER" } };
    const account = { registry: "images", repository: "my-app", binding, ...more };
    const content = { cache: "secretservice", registries: { [host]: account } };
    const all = await configured(content, { ...store.env, CALLER: "caller", ...env, ...others });
    return credentialHelper(all, (line) => warnings.push(line));
  };
  return { store, seen, helper, warnings };
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
    expect(Object.keys(await store.items())).toHaveLength(1);
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

  it("keeps apart what other accounts and other callers get", async () => {
    const { helper, seen, store } = await arrange([credentials("minted", 0)]);
    const others = [
      {},
      { repository: "other" },
      { registry: "others" },
      { permissions: "push-pull" },
      { ttlSeconds: 60 },
    ];
    for (const more of others) await (await helper(more)).get(host);
    await (await helper({}, { AWS_PROFILE: "another" })).get(host);
    await (await helper({}, { AZURE_CLIENT_ID: "another" })).get(host);
    expect(seen).toHaveLength(others.length + 2);
    const names = Object.keys(await store.items());
    expect(names).toHaveLength(others.length + 2);
    expect(names.every((name) => /^https:\/\/docker-credential-alien\.invalid\/[0-9a-f]{64}$/.test(name))).toBe(true);
  });

  it("forgets by erase, once and again", async () => {
    const { helper, seen, store } = await arrange([credentials("first", 0), credentials("second", 0)]);
    const one = await helper();
    await one.get(host);
    await one.erase(`https://${host}/v2/`);
    await one.erase(host);
    expect(await store.items()).toEqual({});
    expect((await one.get(host)).password).toBe("second");
    expect(seen).toHaveLength(2);
  });

  it("does not keep static accounts, which tell no end", async () => {
    const { expiresAt: _, ...body } = credentials("static", 0).body as Record<string, string>;
    const { helper, store } = await arrange([{ body }]);
    expect((await (await helper()).get(host)).password).toBe("static");
    expect(await store.items()).toEqual({});
  });

  it.each(["not JSON", "null", "{}", '{"login":{"password":"p"}}'])("mints where it finds %s", async (Secret) => {
    const { helper, store } = await arrange([credentials("first", 0)]);
    const one = await helper();
    await one.get(host);
    const [key = ""] = Object.keys(await store.items());
    await store.put({ [key]: { ServerURL: key, Username: "AWS", Secret } });
    expect((await one.get(host)).password).toBe("first");
  });

  it("costs nobody the login where it fails, and says so without what it was given", async () => {
    const { helper, store, seen, warnings } = await arrange([credentials("s3cret", 0)]);
    await store.break();
    const one = await helper();
    expect((await one.get(host)).password).toBe("s3cret");
    expect(seen).toHaveLength(1);
    expect(await store.actions()).toEqual(["get", "store"]);
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).toContain("docker-credential-secretservice store ended with 1");
    expect(warnings.join()).not.toContain("s3cret");
    // Whoever logs out must know that it is still there.
    await expect(one.erase(host)).rejects.toThrow(
      new ProtocolError("docker-credential-secretservice erase ended with 1"),
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
