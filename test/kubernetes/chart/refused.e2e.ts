import { describe, expect, test } from "vitest";
import { refusal, render } from "./helm.ts";

const binding = { service: "external", registryUrl: "https://registry.example" };
const pullSecret = {
  name: "pull",
  create: true,
  registry: "images",
  repositories: ["my-app"],
  host: "registry.example",
  ttlSeconds: 3_600,
  intervalMinutes: 20,
};
const good = { bindings: { images: binding }, pullSecrets: [pullSecret] };
const withSecret = (part: object) => ({ ...good, pullSecrets: [{ ...pullSecret, ...part }] });
const fn = { url: "https://function.example", audience: "a" };

test("good values are rendered", async () => {
  expect((await render([], good)).all("CronJob")).toHaveLength(1);
});

describe("the chart refuses", () => {
  test.each<[string, object, RegExp]>([
    ["a value that it does not know", { replicas: 3 }, /replicas/],
    ["a value of another type", { replicaCount: "two" }, /replicaCount/],
    ["a port that needs root", { server: { port: 80 } }, /port/],
    ["a drain that never ends", { server: { drainSeconds: 100_000 } }, /drainSeconds/],
    ["a binding of a cloud", { bindings: { images: { ...binding, service: "ecr" } } }, /service/],
    ["a binding without a registry", { bindings: { images: { service: "external" } } }, /registryUrl/],
    ["a password in a binding", { bindings: { images: { ...binding, password: "x" } } }, /password/],
    ["a name of a registry that no variable can have", { bindings: { "my images": binding } }, /my images/],
    ["an issuer without an audience", { oidc: { issuers: [{ issuer: "https://i.example" }] } }, /audience/],
    ["an issuer over http", { oidc: { issuers: [{ issuer: "http://i.example", audience: "a" }] } }, /issuer/],
    [
      "a token for an issuer whose keys may be anywhere",
      { oidc: { issuers: [{ issuer: "https://i.example", audience: "a", tokenFile: "/t" }] } },
      /jwksUri/,
    ],
    [
      "two registries that share one variable",
      { bindings: { "my-builds": binding, my_builds: binding } },
      /bindings: my-builds and my_builds are both ALIEN_MY_BUILDS_BINDING; rename one/,
    ],
    [
      "a rule for a registry that shares its variable with another one",
      {
        bindings: { images: binding },
        accessRules: [{ callers: [], operations: [], registries: ["Images"], repositories: [] }],
      },
      /bindings: Images and images are both ALIEN_IMAGES_BINDING; rename one/,
    ],
    ["an ingress for every name", { ingress: { enabled: true } }, /hosts/],
    ["an ingress of a path", { ingress: { enabled: true, hosts: ["functions.example/v1"] } }, /hosts/],
    ["a route without a gateway", { httpRoute: { enabled: true, hostnames: ["functions.example"] } }, /parentRefs/],
    ["a route for every name", { httpRoute: { enabled: true, parentRefs: [{ name: "public" }] } }, /hostnames/],
    ["a certificate in the values", { tls: { cert: "x" } }, /cert/],
    ["no image", { image: { repository: "" } }, /image\.repository must name the image .* none is published/],
    [
      "a rule for every issuer",
      {
        accessRules: [
          { callers: [{ issuer: "*", subject: "x" }], operations: ["*"], registries: ["*"], repositories: ["*"] },
        ],
      },
      /issuer/,
    ],
    [
      "a rule for a permission that is none",
      {
        accessRules: [
          { callers: [], operations: ["*"], registries: ["*"], repositories: ["*"], permissions: ["push"] },
        ],
      },
      /permissions/,
    ],
    [
      "a field of a rule that nobody knows",
      { accessRules: [{ callers: [], operations: [], registries: [], repositories: [], maxTTLSeconds: 900 }] },
      /maxTTLSeconds/,
    ],
    [
      "a claim that is null",
      {
        accessRules: [
          {
            callers: [{ issuer: "https://i.example", subject: "x", claims: { environment: null } }],
            operations: [],
            registries: [],
            repositories: [],
          },
        ],
      },
      /claims/,
    ],
    ["a rule without registries", { accessRules: [{ callers: [], operations: [], repositories: [] }] }, /registries/],
    ["a digest that is none", { image: { digest: "sha256:abc" } }, /digest/],
    ["a budget that stops nothing", { podDisruptionBudget: { maxUnavailable: 0 } }, /maxUnavailable/],
    ["a pull secret whose interval is no step of the clock", withSecret({ intervalMinutes: 25 }), /intervalMinutes/],
    [
      "a pull secret of one namespace and of many",
      withSecret({ namespace: "apps", namespaceSelector: "a=b" }),
      /pullSecrets|namespaceSelector|not/,
    ],
    ["a pull secret without a repository", withSecret({ repositories: [] }), /repositories/],
    ["a pull secret whose name is a path", withSecret({ name: "../x" }), /name/],
    [
      "credentials that end before two runs are over",
      withSecret({ ttlSeconds: 2_399 }),
      /lives 2399 s but is refreshed every 20 min: ttlSeconds must be twice the interval/,
    ],
    ["a pull secret of an unknown registry", withSecret({ registry: "other" }), /names the registry other, which no/],
    ["a function in the clear", withSecret({ function: { ...fn, url: "http://f.example" } }), /plainHttp/],
    ["a CA that is nowhere", withSecret({ function: { ...fn, useCaBundle: true } }), /caBundle\.configMap names none/],
  ])("%s", async (_title, values, message) => {
    expect(await refusal(values)).toMatch(message);
  });
});
