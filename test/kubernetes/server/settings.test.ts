import { expect, test } from "vitest";
import { serveContainer } from "../../../functions/kubernetes/server/serve.ts";
import { errorOf } from "../../support/inputs.ts";
import { fakePlatform } from "../support/fake-platform.ts";
import { everythingFor } from "../support/grants.ts";

const good = {
  HOST: "127.0.0.1",
  PORT: "0",
  METRICS_PORT: "0",
  ALIEN_IMAGES_BINDING: '{"service":"local"}',
  ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: "https://issuer.example", audience: "suite" }]),
  ALIEN_ACCESS_RULES: everythingFor("https://issuer.example"),
};

test.each<[string, Record<string, string | undefined>, RegExp]>([
  ["a port", { PORT: "http" }, /^PORT must be a port number, not "http"\.$/],
  ["a port beyond the last", { METRICS_PORT: "65536" }, /^METRICS_PORT must be a port number/],
  ["one port twice", { PORT: "8080", METRICS_PORT: "8080" }, /^PORT and METRICS_PORT must not be the same/],
  ["a drain", { DRAIN_SECONDS: "5m" }, /^DRAIN_SECONDS must be a whole number of seconds from 0 to 300/],
  ["a time for operations", { OPERATION_TIMEOUT_SECONDS: "0" }, /^OPERATION_TIMEOUT_SECONDS .* from 1 to 300/],
  [
    "a number of connections",
    { MAX_CONNECTIONS: "9" },
    /^MAX_CONNECTIONS must be a whole number from 10 to 100000, not/,
  ],
  ["no issuer", { ALIEN_OIDC_ISSUERS: undefined }, /^The OIDC issuers are not valid\./],
  ["a door that trusts a platform", { ALIEN_DOOR: "platform" }, /^ALIEN_DOOR must be oidc, or unset/],
  ["a door without authentication", { ALIEN_DOOR: "invoke" }, /^ALIEN_DOOR must be oidc, or unset/],
  ["rules", { ALIEN_ACCESS_RULES: '[{"callers":[]}]' }, /^The access rules are not valid\. "0\.operations" is missing/],
  ["a file of rules", { ALIEN_ACCESS_RULES: undefined, ALIEN_ACCESS_RULES_FILE: "/none" }, /_FILE cannot be read/],
  ["a binding of a cloud", { ALIEN_IMAGES_BINDING: '{"service":"ecr"}' }, /^ALIEN_IMAGES_BINDING: .* no service "ecr"/],
  ["a binding that is no JSON", { ALIEN_IMAGES_BINDING: "" }, /^ALIEN_IMAGES_BINDING: it is not JSON/],
])("refuses %s", async (_title, env, message) => {
  const error = await errorOf(() => serveContainer(fakePlatform(), { ...good, ...env }));
  expect(error).toMatchObject({ code: "BINDING_CONFIG_INVALID", message: expect.stringMatching(message) });
});

test("refuses to serve no registry at all", async () => {
  const { ALIEN_IMAGES_BINDING: _, ...env } = good;
  expect((await errorOf(() => serveContainer(fakePlatform(), env))).message).toBe("No registry is bound.");
});

test("serves without a rule, and says that it refuses everybody", async () => {
  const warnings: string[] = [];
  const env = { ...good, ALIEN_ACCESS_RULES: undefined, DRAIN_SECONDS: "0" };
  const container = await serveContainer(fakePlatform(), env, { warn: (message) => warnings.push(message) });
  await container.close();
  expect(warnings).toEqual(["There is no access rule, so every caller is refused. Set ALIEN_ACCESS_RULES."]);
});

test("names a rule that mints and has no permissions, once", async () => {
  const warnings: string[] = [];
  const [{ permissions: _, ...unsaid }] = JSON.parse(good.ALIEN_ACCESS_RULES);
  const start = async (rules: object[]) => {
    warnings.length = 0;
    const env = { ...good, ALIEN_ACCESS_RULES: JSON.stringify(rules), DRAIN_SECONDS: "0" };
    await (await serveContainer(fakePlatform(), env, { warn: (message) => warnings.push(message) })).close();
    return warnings;
  };
  expect(await start([unsaid])).toEqual([
    expect.stringMatching(/^Access rule 0 \(callers: https:\/\/issuer\.example \*\) .* no "permissions"/),
  ]);
  expect(await start(JSON.parse(good.ALIEN_ACCESS_RULES))).toEqual([]);
});

test("refuses a host of another machine", async () => {
  await expect(serveContainer(fakePlatform(), { ...good, HOST: "192.0.2.77" })).rejects.toMatchObject({
    code: "EADDRNOTAVAIL",
  });
});
