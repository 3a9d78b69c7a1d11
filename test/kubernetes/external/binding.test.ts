import { describe, expect, test } from "vitest";
import { createDirectory } from "../../../core/bindings.ts";
import { platform } from "../../../functions/kubernetes/index.ts";
import { platforms } from "../../../platforms.ts";

const account = { usernameFile: "/run/secrets/username", passwordFile: "/run/secrets/password" };
const good = { service: "external", registryUrl: "https://registry.example", repositoryPrefix: "team/images", account };
const bind = (binding: object, more: object = {}) =>
  createDirectory(platform, { ALIEN_IMAGES_BINDING: JSON.stringify(binding), ...more });

describe("the binding of an external registry", () => {
  test("is one of the platforms", async () => {
    expect(await platforms.kubernetes.load()).toBe(platform);
    expect(platforms.kubernetes.services).toEqual(Object.keys(platform.services));
  });

  const accepted: [what: string, binding: object][] = [
    [
      "with everything",
      { ...good, caFile: "/ca.pem", tokenServiceUrl: "https://auth.example:5001/", pullAccount: account },
    ],
    ["with next to nothing", { service: "external", registryUrl: "https://registry.example:5000" }],
    ["over http on a loopback address", { ...good, registryUrl: "http://127.0.0.1:5000" }],
    ["over http on this host's own name", { ...good, registryUrl: "http://localhost:5000" }],
    ["over http where that is wanted", { ...good, registryUrl: "http://registry.svc", plainHttp: true }],
    ["with a Docker configuration", { ...good, pushAccount: { dockerConfigFile: "/run/.dockerconfigjson" } }],
  ];
  test.each(accepted)("%s is good", (_, binding) => expect(bind(binding).names()).toEqual(["images"]));

  const refused: [what: string, change: object, message: RegExp][] = [
    ["no URL", { registryUrl: "registry.example" }, /registryUrl.*http or https URL/],
    ["a path in the URL", { registryUrl: "https://registry.example/docker" }, /without a path/],
    ["a password in the URL", { registryUrl: "https://me:word@registry.example" }, /registryUrl/],
    ["another scheme", { registryUrl: "ftp://registry.example" }, /registryUrl/],
    ["http to another machine", { registryUrl: "http://registry.svc:5000" }, /plainHttp/],
    ["a host that merely begins like a loopback", { registryUrl: "http://127.0.0.1.evil.example" }, /plainHttp/],
    ["upper case in the prefix", { repositoryPrefix: "Images" }, /repositoryPrefix/],
    ["a slash at the prefix's end", { repositoryPrefix: "images/" }, /repositoryPrefix/],
    ["dots in the prefix", { repositoryPrefix: "../images" }, /repositoryPrefix/],
    ["a prefix that leaves no room", { repositoryPrefix: "x".repeat(129) }, /128/],
    ["a relative file", { caFile: "ca.pem" }, /caFile.*absolute/],
    ["a password in the binding", { account: { username: "u", password: "p" } }, /account/],
    ["half an account", { account: { usernameFile: "/u" } }, /account/],
    ["an account in two forms", { account: { ...account, dockerConfigFile: "/x" } }, /account/],
    ["what is no field", { insecure: true }, /insecure/],
  ];
  test.each(refused)("%s is refused at start", (_, change, message) => {
    const attempt = () => bind({ ...good, ...change });
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(expect.objectContaining({ code: "BINDING_CONFIG_INVALID" }));
  });

  test("two registries may not share a prefix, or one begin with the other's", () => {
    const other = (repositoryPrefix: string) => ({
      ALIEN_BUILDS_BINDING: JSON.stringify({ ...good, repositoryPrefix }),
    });
    expect(() => bind(good, other("team/images"))).toThrow(/overlap/);
    expect(() => bind(good, other("team/images/builds"))).toThrow(/overlap/);
    expect(bind(good, other("team/builds")).names().length).toBe(2);
  });

  test("names leave room for the registry's host, which clients count", async () => {
    const registry = await bind(good).open("images");
    const longest = registry.routeName("x".repeat(256));
    expect(`registry.example/${longest}`.length).toBe(255);
    expect(registry.resolveId(longest)).toBe(longest);
    expect(registry.resolveId(`registry.example/${longest}`)).toBe(longest);
  });
});
