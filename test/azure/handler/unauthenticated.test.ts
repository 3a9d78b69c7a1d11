import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { containerRegistry, useStack } from "../support/registry.ts";
import { functionEnv, startApp, type TestApp } from "./functions.ts";
import { eventIn, goldenTopic, principalHeaders, withRole } from "./golden.ts";

/**
 * Where App Service authentication is off, nobody takes the header away that names a caller: whoever sends a request may
 * write it. The Functions host sets `WEBSITE_AUTH_ENABLED` where it authenticates, and nothing else may stand in for it.
 */
const stack = useStack();
beforeEach(() => {
  stack().azure.calls.length = 0;
});

type Variables = Readonly<Record<string, string | undefined>>;

/** A request that is granted behind each door that believes the header, where it is genuine. */
const doors = {
  platform: {
    env: {},
    request: {
      path: "/v1/generateCredentials",
      headers: principalHeaders(),
      body: { registry: "images", repoId: "my-app", permissions: "push-pull" },
    },
    granted: 200,
    refused: 400,
  },
  provision: {
    env: {},
    request: {
      path: "/",
      headers: withRole("ArtifactRegistry.Provisioner"),
      body: { operation: "describeRegistry", registry: "images" },
    },
    granted: 200,
    refused: 400,
  },
  events: {
    env: { ALIEN_EVENT_GRID_TOPICS: goldenTopic },
    request: {
      path: "/events",
      headers: withRole("AzureEventGridSecureWebhookSubscriber"),
      body: eventIn("cloud-event"),
    },
    granted: 204,
    // Event Grid keeps what is answered with this status.
    refused: 503,
  },
} as const;
const doorNames = ["platform", "provision", "events"] as const;

function open(door: keyof typeof doors, variables: Variables): TestApp {
  const { azure } = stack();
  const ALIEN_DEAD_LETTER_QUEUE_URL = azure.queue("letters").url;
  return startApp({ ...functionEnv(stack(), door, { ALIEN_DEAD_LETTER_QUEUE_URL, ...doors[door].env }), ...variables });
}

const offValues = ["", "false", "False", "FALSE", "0", "1", "yes", "on", "enabled", "truth", "true,false", "undefined"];
const anyText = fc.string({ unit: "grapheme-ascii", maxLength: 8 }).filter((text) => !/^\s*true\s*$/i.test(text));
const off = fc.oneof(fc.constant(undefined), fc.constantFrom(...offValues), anyText);
/** What an operator, the platform or an older version of the module may have set beside it. */
const beside = fc.record(
  {
    ALIEN_PLATFORM_AUTHENTICATION: fc.constantFrom("app-service", "true", "True", ""),
    WEBSITE_AUTH_CLIENT_ID: fc.constant("99999999-8888-4777-8666-555555555555"),
    WEBSITE_AUTH_DEFAULT_PROVIDER: fc.constant("AzureActiveDirectory"),
    WEBSITE_AUTH_REQUIRE_AUTHENTICATION: fc.constantFrom("true", "True"),
    WEBSITE_AUTH_ENABLE: fc.constant("true"),
    WEBSITE_AUTH_V2_CONFIG_JSON: fc.constant('{"platform":{"enabled":true}}'),
    WEBSITE_SITE_NAME: fc.constant("acme-platform"),
    WEBSITE_SKU: fc.constantFrom("FlexConsumption", "Dynamic"),
    website_auth_enabled: fc.constant("true"),
    APPSETTING_WEBSITE_AUTH_ENABLED: fc.constant("true"),
    AZURE_FUNCTIONS_ENVIRONMENT: fc.constantFrom("Production", "Development"),
  },
  { requiredKeys: [] },
);

describe.each(doorNames)("the %s door", (door) => {
  const { request, granted, refused } = doors[door];

  test("believes no header while the host does not say that it authenticates, whatever else is set", async () => {
    await fc.assert(
      fc.asyncProperty(off, beside, async (WEBSITE_AUTH_ENABLED, variables) => {
        const app = open(door, { ...variables, WEBSITE_AUTH_ENABLED });
        const answer = await app.send(request);
        expect(answer).toMatchObject({ status: refused, json: { code: "BINDING_CONFIG_INVALID", retryable: false } });
        // Who runs the function learns what to do, from the answer and from the log, which does not wait for a request.
        expect(answer.json.message).toMatch(/App Service authentication is off/);
        expect(answer.json.hint).toMatch(/Turn App Service authentication on.*WEBSITE_AUTH_ENABLED/s);
        const { message: reason, hint } = answer.json;
        expect(app.started).toMatchObject([
          { door, event: "shut", outcome: "BINDING_CONFIG_INVALID", reason, hint, time: expect.any(String) },
        ]);
      }),
      { numRuns: 150 },
    );
    expect(stack().azure.calls).toEqual([]);
  });

  test.each(["true", "True", "TRUE", "tRuE"])("believes it where the host says so: %s", async (told) => {
    containerRegistry(stack()).scopeMaps.clear();
    const app = open(door, { WEBSITE_AUTH_ENABLED: told });
    expect((await app.send(request)).status).toBe(granted);
    expect(app.started).toEqual([]);
  });
});

test("the oidc door believes no header, whatever the environment says, even that App Service authenticates", async () => {
  const issuers = JSON.stringify([{ issuer: "http://127.0.0.1:9", audience: "registry" }]);
  const told = fc.oneof(off, fc.constantFrom("true", "True"));
  const audience = fc.constantFrom(undefined, "99999999-8888-4777-8666-555555555555");
  await fc.assert(
    fc.asyncProperty(told, audience, beside, async (WEBSITE_AUTH_ENABLED, ALIEN_PLATFORM_AUDIENCE, variables) => {
      const more = { ...variables, WEBSITE_AUTH_ENABLED, ALIEN_PLATFORM_AUDIENCE };
      const app = startApp({ ...functionEnv(stack(), "oidc", { ALIEN_OIDC_ISSUERS: issuers }), ...more });
      expect(await app.send(doors.platform.request)).toMatchObject({
        status: 401,
        json: { code: "AUTHENTICATION_ERROR" },
      });
    }),
    { numRuns: 50 },
  );
  expect(stack().azure.calls).toEqual([]);
});
