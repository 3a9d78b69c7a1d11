import { beforeEach, describe, expect, test } from "vitest";
import { startIssuer } from "../../support/issuer.ts";
import { useStack } from "../support/registry.ts";
import { functionEnv, rules, startFunction } from "./functions.ts";
import { type Changes, type Golden, goldenOf, verifiedToken } from "./golden.ts";

const stack = useStack({ projectRoles: ["roles/iam.serviceAccountAdmin"] });
beforeEach(() => {
  stack().gcp.faults.clear();
  stack().gcp.calls.length = 0;
});

const pipeline = { issuer: "gcp", subject: "pipeline@vendor-project.iam.gserviceaccount.com" };
const audience = "https://artifact-registry-abcdefghij-ew.a.run.app";
const google = "https://accounts.google.com";

describe("the platform door", () => {
  const open = (more: Record<string, string> = {}) => startFunction(functionEnv(stack(), "platform", more));
  const bearing = (token: string, changes: Changes = {}) =>
    goldenOf("platform", { ...changes, headers: { authorization: `Bearer ${token}`, ...changes.headers } });
  async function refuses(golden: Golden, more: Record<string, string> = {}) {
    const fn = await open(more);
    expect(await fn.send(golden)).toMatchObject({ status: 401, json: { code: "AUTHENTICATION_ERROR" } });
    expect(fn.audit).toMatchObject([{ outcome: "AUTHENTICATION_ERROR" }]);
    expect(fn.audit[0]).not.toHaveProperty("caller");
    expect(stack().gcp.calls).toEqual([]);
  }

  test("knows the service account whose token the platform verified", async () => {
    const fn = await open({ ALIEN_TRUSTED_PROXIES: "1" });
    const answer = await fn.send(goldenOf("platform"));
    expect(answer).toMatchObject({ status: 200, json: { name: "vendor-project/images/my-app" } });
    expect(answer.headers).toMatchObject({ "content-type": "application/json", "cache-control": "no-store" });
    expect(fn.audit).toMatchObject([
      { door: "platform", caller: pipeline, outcome: "OK", requestId: answer.headers["x-request-id"] },
    ]);
    expect(fn.audit[0]?.source).toMatchObject({ address: "203.0.113.7" });
  });

  test("knows it by X-Serverless-Authorization too, next to whatever Authorization says", async () => {
    const fn = await open();
    expect(await fn.send(goldenOf("platform-serverless"))).toMatchObject({ status: 200 });
    expect(fn.audit).toMatchObject([{ caller: pipeline }]);
  });

  test("takes a token for one of the audiences that it was told", async () => {
    const fn = await open({ ALIEN_PLATFORM_AUDIENCES: `https://registry.vendor.example, ${audience}` });
    expect(await fn.send(goldenOf("platform"))).toMatchObject({ status: 200 });
  });

  test("knows nobody by a token for another audience than it was told", () =>
    refuses(goldenOf("platform"), { ALIEN_PLATFORM_AUDIENCES: "https://registry.vendor.example" }));

  // Where X-Serverless-Authorization is there, the platform has not looked at Authorization.
  test("a caller of the platform's cannot become another by Authorization", async () => {
    const fn = await open();
    const other = verifiedToken({ email: "attacker@elsewhere-project.iam.gserviceaccount.com" });
    const forged = goldenOf("platform", { headers: { "x-serverless-authorization": `Bearer ${other}` } });
    expect(await fn.send(forged)).toMatchObject({ status: 403 });
    expect(fn.audit).toMatchObject([{ caller: { subject: "attacker@elsewhere-project.iam.gserviceaccount.com" } }]);
  });

  test.each([
    ["empty", ""],
    ["no token", "Bearer x"],
    ["another scheme", "Basic eDp5"],
    ["a list", `Bearer ${verifiedToken()}, Bearer x`],
  ])("Authorization counts for nothing next to an X-Serverless-Authorization that is %s", (_, header) =>
    refuses(goldenOf("platform", { headers: { "x-serverless-authorization": header } })),
  );

  test.each(["authorization", "x-serverless-authorization"])("knows nobody by two headers %s", async (name) => {
    const both = [
      `Bearer ${verifiedToken()}`,
      `Bearer ${verifiedToken({ email: "a@b-project.iam.gserviceaccount.com" })}`,
    ];
    await refuses(goldenOf("platform", { headers: { [name]: both } }));
  });

  test("knows nobody by a token that still has its signature, be it Google's own", async () => {
    const email = stack().gcp.serviceAccount("pipeline");
    await refuses(bearing(stack().gcp.idToken(email, audience)));
  });

  test.each([
    ["its signature left empty", verifiedToken({}, "")],
    ["another word for its signature", verifiedToken({}, "signature_removed_by_google")],
    ["a part too many", `${verifiedToken({}, "x")}.SIGNATURE_REMOVED_BY_GOOGLE`],
    ["a part too few", verifiedToken().split(".").slice(1).join(".")],
    ["claims that are no JSON", "e30.e30x.SIGNATURE_REMOVED_BY_GOOGLE"],
    ["claims that are no object", `e30.${Buffer.from("null").toString("base64url")}.SIGNATURE_REMOVED_BY_GOOGLE`],
    ["no e-mail", verifiedToken({ email: undefined })],
    ["an e-mail that nobody verified", verifiedToken({ email_verified: false })],
    ["an e-mail that is said to be verified", verifiedToken({ email_verified: "true" })],
    ["a person's e-mail", verifiedToken({ email: "someone@vendor.example" })],
    ["a name that only begins as a service account", verifiedToken({ email: `${pipeline.subject}.evil.example` })],
    ["no issuer", verifiedToken({ iss: undefined })],
    ["another issuer", verifiedToken({ iss: "https://accounts.google.com.evil.example" })],
    ["no audience", verifiedToken({ aud: undefined })],
    ["no end", verifiedToken({ exp: undefined })],
    ["its end behind it", verifiedToken({ exp: 1_778_051_228 })],
  ])("knows nobody by a token with %s", (_, token) => refuses(bearing(token)));

  test("a minute of clock skew is forgiven", async () => {
    const fn = await open();
    expect(await fn.send(bearing(verifiedToken({ exp: 1_778_051_230 })))).toMatchObject({ status: 200 });
  });

  const info = Buffer.from(JSON.stringify({ email: pipeline.subject })).toString("base64");
  test.each([
    ["x-goog-authenticated-user-email", `accounts.google.com:${pipeline.subject}`],
    ["x-goog-iap-jwt-assertion", verifiedToken()],
    ["x-endpoint-api-userinfo", info],
    ["x-apigateway-api-userinfo", info],
    ["x-forwarded-authorization", `Bearer ${verifiedToken()}`],
    ["proxy-authorization", `Bearer ${verifiedToken()}`],
    ["cookie", `authorization=Bearer ${verifiedToken()}`],
  ])("knows nobody by %s", (name, value) =>
    refuses(goldenOf("platform", { headers: { authorization: undefined, [name]: value } })),
  );

  test("an account of another project may do what the rules say: nothing", async () => {
    const fn = await open();
    const golden = bearing(verifiedToken({ email: "pipeline@customer-project.iam.gserviceaccount.com" }));
    expect(await fn.send(golden)).toMatchObject({ status: 403, json: { code: "ACCESS_DENIED" } });
  });
});

describe("the oidc door", () => {
  async function open() {
    const issuer = await startIssuer();
    const worker = { issuer: issuer.url, subject: "worker-1" };
    const everybody = JSON.parse(rules);
    // Everybody may have tokens of Google: the rule says whose count.
    const email = stack().gcp.serviceAccount("worker");
    const callers = [worker, { issuer: google, subject: "*", claims: { email } }];
    const fn = await startFunction(
      functionEnv(stack(), "oidc", {
        ALIEN_ACCESS_RULES: JSON.stringify([...everybody, { ...everybody[0], callers }]),
        ALIEN_OIDC_ISSUERS: JSON.stringify([
          { issuer: issuer.url, audience: "registry" },
          { issuer: google, audience, jwksUri: `${stack().gcp.url}/oauth2/v3/certs` },
        ]),
      }),
      // Tokens are signed now.
      { now: () => new Date() },
    );
    const token = await issuer.sign({ sub: "worker-1", aud: "registry" });
    return { issuer, worker, email, fn, token };
  }

  test("knows whoever a verified token names, and mints for them", async () => {
    const { issuer, worker, fn, token } = await open();
    const answer = await fn.send(goldenOf("public", { headers: { authorization: `Bearer ${token}` } }));
    expect(answer).toMatchObject({ status: 200, json: { username: "oauth2accesstoken", scope: "registry" } });
    expect(fn.audit).toMatchObject([{ door: "oidc", caller: worker, outcome: "OK" }]);
    await issuer.stop();
  });

  test("knows a service account of Google's by a token that it verified itself", async () => {
    const { issuer, email, fn } = await open();
    const as = (who: string) =>
      fn.send(goldenOf("public", { headers: { authorization: `Bearer ${stack().gcp.idToken(who, audience)}` } }));
    expect(await as(email)).toMatchObject({ status: 200 });
    const subject = expect.stringMatching(/^\d+$/);
    expect(fn.audit[0]?.caller).toEqual({ issuer: google, subject, claims: { email } });
    const stranger = stack().gcp.serviceAccount("stranger");
    expect(await as(stranger)).toMatchObject({ status: 403, json: { context: { field: "claims" } } });
    expect(fn.audit[1]).toMatchObject({ reason: "RULES_LACK_CLAIMS", source: { address: "127.0.0.1" } });
    expect(fn.audit[1]?.caller).toEqual({ issuer: google, subject, claims: { email: stranger } });
    await issuer.stop();
  });

  test("a token without its signature is worth nothing, nor is any other word of the platform", async () => {
    const { issuer, worker, fn, token } = await open();
    const exp = Math.floor(Date.now() / 1_000) + 600;
    const removed = `Bearer ${verifiedToken({ exp })}`;
    const words = {
      "x-serverless-authorization": removed,
      "x-goog-authenticated-user-email": `accounts.google.com:${pipeline.subject}`,
      "x-goog-iap-jwt-assertion": verifiedToken({ exp }),
    };
    for (const headers of [{ authorization: removed }, words, { ...words, authorization: removed }]) {
      expect(await fn.send(goldenOf("public", { headers }))).toMatchObject({ status: 401 });
    }
    expect(fn.audit.map(({ caller }) => caller)).toEqual([undefined, undefined, undefined]);
    // Nor does it do harm.
    const headers = { ...words, authorization: `Bearer ${token}` };
    expect(await fn.send(goldenOf("public", { headers }))).toMatchObject({ status: 200 });
    expect(fn.audit[3]?.caller).toEqual(worker);
    await issuer.stop();
  });
});

describe("direct invocation", () => {
  test("the invoke door takes the payload from whomever the platform lets in", async () => {
    const fn = await startFunction(functionEnv(stack(), "invoke"));
    expect(await fn.send(goldenOf("direct"))).toMatchObject({
      status: 200,
      json: { name: "vendor-project/images/my-app" },
    });
    expect(fn.audit).toMatchObject([{ caller: { issuer: "door", subject: "invoke" }, outcome: "OK" }]);
  });

  test("the provision door serves registries, and no repositories", async () => {
    const fn = await startFunction(functionEnv(stack(), "provision"));
    const body = { operation: "describeRegistry", registry: "images" };
    expect(await fn.send(goldenOf("direct", { body }))).toMatchObject({ status: 200, json: { service: "gar" } });
    expect(await fn.send(goldenOf("direct"))).toMatchObject({ status: 403, json: { code: "ACCESS_DENIED" } });
  });

  test.each(["invoke", "provision"])("the %s door has no operation's own path", async (door) => {
    const fn = await startFunction(functionEnv(stack(), door));
    expect(await fn.send(goldenOf("platform"))).toMatchObject({ status: 401 });
  });

  test.each(["platform", "oidc"])("the %s door takes no payload", async (door) => {
    const issuers = JSON.stringify([{ issuer: "http://127.0.0.1:9", audience: "registry" }]);
    const fn = await startFunction(functionEnv(stack(), door, { ALIEN_OIDC_ISSUERS: issuers }));
    expect(await fn.send(goldenOf("direct"))).toMatchObject({ status: 404 });
  });
});
