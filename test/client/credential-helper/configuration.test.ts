import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { configurationFile, readConfiguration } from "../../../client/credential-helper/configuration.ts";
import { configured, folder } from "./support/configure.ts";

const account = { registry: "images", repository: "my-app" };
const at = (host: string, more: object = {}) => ({ registries: { [host]: { ...account, ...more } } });

describe("the file", () => {
  it("is the user's own", () => {
    expect(configurationFile({ HOME: "/home/ann" })).toBe("/home/ann/.config/alien/docker-credential.json");
    expect(configurationFile({ HOME: "/home/ann", XDG_CONFIG_HOME: "/xdg" })).toBe("/xdg/alien/docker-credential.json");
  });

  it("is the one beside Docker's configuration, where there is one", async () => {
    const [docker, home] = [await folder(), "/home/ann"];
    const env = { DOCKER_CONFIG: docker, HOME: home };
    expect(configurationFile(env)).toBe("/home/ann/.config/alien/docker-credential.json");
    const beside = join(docker, "docker-credential-alien.json");
    await writeFile(beside, "{}");
    expect(configurationFile(env)).toBe(beside);
    expect(configurationFile({ ...env, ALIEN_DOCKER_CREDENTIAL_CONFIG: "/a.json" })).toBe("/a.json");
  });
});

describe("its content", () => {
  it("may be written by an editor on Windows", async () => {
    const text = `\uFEFF${JSON.stringify(at("a.example"), undefined, 2).replaceAll("\n", "\r\n")}\r\n`;
    expect(Object.keys(Object.fromEntries(readConfiguration(await configured(text)).accounts))).toEqual(["a.example"]);
  });

  it("gives each host one account", async () => {
    const full = { permissions: "push-pull", ttlSeconds: 900, binding: { service: "function", url: "https://x" } };
    const content = {
      cache: "secretservice",
      registries: { ...at("a.example").registries, ...at("B.example:443", full).registries },
    };
    const { cache, accounts } = readConfiguration(await configured(content));
    expect(cache).toBe("secretservice");
    expect(Object.fromEntries(accounts)).toEqual({
      "a.example": { ...account, permissions: "pull" },
      "b.example": { ...account, ...full },
    });
  });

  it.each([
    ["nothing", "", "is not JSON."],
    ["half an object", '{"registries": {', "is not JSON."],
    ["a list", [], "registries is missing."],
    ["no registries", {}, "registries is missing."],
    ["a word", '"word"', "the file must be of type Object."],
    ["an unknown field", { registries: {}, cached: true }, "cached is not known."],
    [
      "an unknown store",
      { cache: "file", registries: {} },
      "cache must be one of osxkeychain, pass, secretservice, wincred.",
    ],
    ["no host", at("not a host"), 'registries["not a host"] must be a registry\'s host, or a path on it.'],
    [
      "a host twice",
      { registries: { "a.example": account, "https://A.example/v2/": account } },
      "registries must name each place once.",
    ],
    [
      "no repository",
      { registries: { "a.example": { registry: "images" } } },
      'registries["a.example"].repository is missing.',
    ],
    ["no registry's name", at("a.example", { registry: "a b" }), 'registries["a.example"].registry must be 1 to 64'],
    [
      "another permission",
      at("a.example", { permissions: "admin" }),
      'registries["a.example"].permissions must be "pull"',
    ],
    ["no seconds", at("a.example", { ttlSeconds: 0 }), 'registries["a.example"].ttlSeconds must be at least 1 second.'],
    [
      "words for seconds",
      at("a.example", { ttlSeconds: "an hour" }),
      'registries["a.example"].ttlSeconds must be of type number.',
    ],
    [
      "a region that is none",
      at("a.example", { region: "europe" }),
      'registries["a.example"].region must be a plain region',
    ],
    [
      "a control character in a further repository",
      at("a.example", { alsoPull: ["base", "\u0000"] }),
      'registries["a.example"].alsoPull.1 must be 1 to 512 characters',
    ],
    [
      "too many further repositories",
      at("a.example", { alsoPull: Array.from({ length: 11 }, (_, place) => `base-${place}`) }),
      'registries["a.example"].alsoPull must name at most 10 repositories.',
    ],
    ["a binding of nothing", at("a.example", { binding: {} }), 'registries["a.example"].binding.service is missing.'],
  ])("is refused where it has %s, and says where", async (_, content, said) => {
    const env = await configured(content);
    expect(() => readConfiguration(env)).toThrow(
      expect.objectContaining({
        code: "BINDING_CONFIG_INVALID",
        message: expect.stringMatching(new RegExp(`^${env.ALIEN_DOCKER_CREDENTIAL_CONFIG} `)),
      }),
    );
    expect(() => readConfiguration(env)).toThrow(said);
  });

  it("is told of in whole, without a value that may be a secret", async () => {
    const secret = "do-not-repeat";
    const env = await configured(at("a.example", { password: secret, ttlSeconds: secret, permissions: secret }));
    const said = (() => {
      try {
        return String(readConfiguration(env));
      } catch (error) {
        return String(error);
      }
    })();
    expect(said).toContain('registries["a.example"].password is not known');
    expect(said).toContain('registries["a.example"].ttlSeconds must');
    expect(said).toContain('registries["a.example"].permissions must');
    expect(said).not.toContain(secret);
  });

  it("cannot be read where there is none, or a folder", async () => {
    const missing = join(await folder(), "none.json");
    expect(() => readConfiguration({ ALIEN_DOCKER_CREDENTIAL_CONFIG: missing })).toThrow(`${missing} cannot be read.`);
    await mkdir(missing);
    expect(() => readConfiguration({ ALIEN_DOCKER_CREDENTIAL_CONFIG: missing })).toThrow(`${missing} cannot be read.`);
  });
});
