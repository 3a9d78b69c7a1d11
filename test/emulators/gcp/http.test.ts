import { createRemoteJWKSet, jwtVerify } from "jose";
import { describe, expect, test } from "vitest";
import { expectLifetime } from "../../support/lifetime.ts";
import { api, HOME, OTHER, useEmulator } from "./support.ts";

const gcp = useEmulator();
const SCOPE = ["https://www.googleapis.com/auth/cloud-platform"];
const TOKEN_CREATOR = "roles/iam.serviceAccountTokenCreator";
let count = 0;
const account = (roles: Record<string, string[]> = {}) => gcp().serviceAccount(`account-${++count}`, { roles });
const call = (token: string | undefined, method: string, path: string, body?: object) =>
  api(gcp(), token, method, path, body);
const generate = (token: string | undefined, email: string, body: object) =>
  call(token, "POST", `/v1/projects/-/serviceAccounts/${email}:generateAccessToken`, body);

describe("generateAccessToken", () => {
  const pair = () => {
    const target = account();
    return { target, token: gcp().token(account({ [target]: [TOKEN_CREATOR] })) };
  };

  test("gives a token that lives as long as was asked", async () => {
    const { target, token } = pair();
    for (const [lifetime, seconds] of [
      ["900s", 900],
      [undefined, 3600],
      ["3600s", 3600],
    ] as const) {
      await expectLifetime(seconds, async () => {
        const wish = { scope: SCOPE, ...(lifetime === undefined ? {} : { lifetime }) };
        const answer = await generate(token, target, wish);
        expect(answer).toMatchObject({ status: 200, body: { accessToken: expect.any(String) } });
        expect(answer.body.expireTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        return String(answer.body.expireTime);
      });
    }
  });

  test("refuses a missing scope, an impossible lifetime, and what it does not know", async () => {
    const { target, token } = pair();
    for (const body of [
      {},
      { scope: [] },
      { scope: SCOPE, lifetime: "3601s" },
      { scope: SCOPE, lifetime: "15m" },
      { scope: SCOPE, lifetime: "0s" },
      { scope: SCOPE, lifetime: 900 },
      { scope: "all" },
      { scopes: SCOPE },
    ]) {
      const answer = await generate(token, target, body);
      expect(answer).toMatchObject({ status: 400, body: { error: { status: "INVALID_ARGUMENT" } } });
    }
    expect((await generate(token, target, { scope: SCOPE, delegates: ["x"] })).status).toBe(501);
  });

  test("takes a clock's difference for too long a lifetime, and knows exceptions to the maximum", async () => {
    const { target, token } = pair();
    gcp().behaviour.clockSkewSeconds = 120;
    const refused = await generate(token, target, { scope: SCOPE, lifetime: "3600s" });
    expect(refused.body.error?.message).toContain("cannot exceed 3600 seconds");
    expect((await generate(token, target, { scope: SCOPE, lifetime: "3300s" })).status).toBe(200);
    gcp().behaviour.clockSkewSeconds = 0;
    gcp().behaviour.longLived = [target];
    expect((await generate(token, target, { scope: SCOPE, lifetime: "43200s" })).status).toBe(200);
    expect((await generate(token, target, { scope: SCOPE, lifetime: "43201s" })).status).toBe(400);
  });

  test("does not tell a missing account from a missing permission", async () => {
    const { target, token } = pair();
    const stranger = gcp().token(account({ [target]: ["roles/iam.serviceAccountUser"] }));
    const answers = [
      await generate(stranger, target, { scope: SCOPE }),
      await generate(token, `nobody@${HOME}.iam.gserviceaccount.com`, { scope: SCOPE }),
      await generate(gcp().admin(), `nobody@${HOME}.iam.gserviceaccount.com`, { scope: SCOPE }),
    ];
    for (const { status, body } of answers) {
      expect(status).toBe(403);
      expect(body.error).toMatchObject({ code: 403, status: "PERMISSION_DENIED" });
      expect(body.error?.details?.[0]).toMatchObject({ reason: "IAM_PERMISSION_DENIED" });
    }
    expect(new Set(answers.map(({ body }) => body.error?.message)).size).toBe(1);
    expect((await generate(undefined, target, { scope: SCOPE })).status).toBe(401);
    expect((await generate("guessed", target, { scope: SCOPE })).status).toBe(401);
  });

  test("takes a token of IAM's own scope, and none of another's", async () => {
    const target = account();
    const email = account({ [target]: [TOKEN_CREATOR] });
    const scoped = (scope: string) => gcp().token(email, { scopes: [`https://www.googleapis.com/auth/${scope}`] });
    expect((await generate(scoped("iam"), target, { scope: SCOPE })).status).toBe(200);
    const refused = await generate(scoped("pubsub"), target, { scope: SCOPE });
    expect(refused.body.error?.details?.[0]?.reason).toBe("ACCESS_TOKEN_SCOPE_INSUFFICIENT");
  });
});

test("generateIdToken gives a token that the key set verifies", async () => {
  const target = account();
  const token = gcp().token(account({ [target]: [TOKEN_CREATOR] }));
  const path = `/v1/projects/-/serviceAccounts/${target}:generateIdToken`;
  const answer = await call(token, "POST", path, { audience: "https://function.example", includeEmail: true });
  const keys = createRemoteJWKSet(new URL(`${gcp().url}/oauth2/v3/certs`));
  const { payload } = await jwtVerify(String(answer.body.token), keys, { audience: "https://function.example" });
  expect(payload).toMatchObject({ iss: "https://accounts.google.com", email: target, email_verified: true });
  expect((await call(token, "POST", path, {})).status).toBe(400);
  expect((await call(gcp().token(account()), "POST", path, { audience: "a" })).status).toBe(403);
});

describe("service accounts", () => {
  const path = `/v1/projects/${HOME}/serviceAccounts`;
  const admin = () => gcp().token(account({ [HOME]: ["roles/iam.serviceAccountAdmin"] }));
  const email = (id: string) => `${id}@${HOME}.iam.gserviceaccount.com`;

  test("are made, read, listed and deleted", async () => {
    const token = admin();
    const body = { accountId: "made-here", serviceAccount: { displayName: "Made here" } };
    const made = await call(token, "POST", path, body);
    const shown = { email: email("made-here"), projectId: HOME, displayName: "Made here", uniqueId: /^\d{21}$/ };
    expect(made).toMatchObject({ status: 200, body: { ...shown, uniqueId: expect.stringMatching(shown.uniqueId) } });
    const again = await call(token, "POST", path, body);
    expect(again).toMatchObject({ status: 409, body: { error: { status: "ALREADY_EXISTS" } } });
    expect((await call(token, "GET", `${path}/${email("made-here")}`)).body).toEqual(made.body);
    const { accounts } = (await call(token, "GET", path)).body as { accounts?: object[] };
    expect(accounts).toContainEqual(made.body);
    expect(JSON.stringify(accounts)).not.toContain("serverless-robot-prod");
    expect((await call(token, "DELETE", `/v1/projects/-/serviceAccounts/${email("made-here")}`)).status).toBe(200);
    expect((await call(token, "GET", `${path}/${email("made-here")}`)).status).toBe(404);
    const remade = await call(token, "POST", path, body);
    expect(remade.body.uniqueId).not.toBe(made.body.uniqueId);
  });

  test("have ids of 6 to 30 characters, and take no other fields", async () => {
    const token = admin();
    for (const accountId of ["short", "a".repeat(31), "Upper-case", "1digits", "ends-with-", "", undefined]) {
      expect((await call(token, "POST", path, { accountId })).status).toBe(400);
    }
    expect((await call(token, "POST", path, { accountId: "fine-name", email: "x" })).status).toBe(400);
  });

  test("are closed to those without a role", async () => {
    const token = gcp().token(account({ [OTHER]: ["roles/owner"] }));
    expect((await call(token, "POST", path, { accountId: "not-mine" })).status).toBe(403);
    expect((await call(token, "GET", path)).status).toBe(403);
    expect((await call(token, "GET", `${path}/${email("nobody-here")}`)).status).toBe(403);
    expect((await call(token, "DELETE", `${path}/${account()}`)).status).toBe(403);
    expect((await call(token, "GET", `/v1/projects/${OTHER}/serviceAccounts/${account()}`)).status).toBe(404);
    expect((await call(token, "POST", "/v1/nothing")).status).toBe(404);
  });

  test("have policies with etags", async () => {
    const target = `${path}/${account()}`;
    const token = admin();
    const empty = await call(token, "POST", `${target}:getIamPolicy`);
    expect(empty.body).toEqual({ etag: expect.any(String) });
    const policy = { version: 3, bindings: [{ role: TOKEN_CREATOR, members: [`serviceAccount:${account()}`] }] };
    const set = (etag: unknown) => call(token, "POST", `${target}:setIamPolicy`, { policy: { ...policy, etag } });
    expect((await set(empty.body.etag)).status).toBe(200);
    expect(await set(empty.body.etag)).toMatchObject({ status: 409, body: { error: { status: "ABORTED" } } });
    const now = await call(token, "POST", `${target}:getIamPolicy?options.requestedPolicyVersion=3`);
    expect(now.body).toMatchObject({ version: 1, bindings: policy.bindings });
    expect((await call(token, "POST", `${target}:getIamPolicy`, { options: {} })).status).toBe(400);
    const stranger = gcp().token(account());
    expect((await call(stranger, "POST", `${target}:getIamPolicy`)).status).toBe(403);
    expect((await call(stranger, "POST", `${target}:setIamPolicy`, { policy })).status).toBe(403);
  });
});

test("a topic takes messages from those who may publish", async () => {
  const topic = gcp().topic("dead-letters");
  const token = gcp().token(account({ [topic]: ["roles/pubsub.publisher"] }));
  const publish = (as: string, body: object, to = topic) => call(as, "POST", `/v1/${to}:publish`, body);
  const message = { data: Buffer.from("x").toString("base64"), attributes: { reason: "hopeless" } };
  expect((await publish(token, { messages: [message] })).body.messageIds).toHaveLength(1);
  expect(gcp().published).toMatchObject([{ topic, data: "x", attributes: { reason: "hopeless" } }]);
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`a${index}`, "x"]));
  for (const attributes of [
    many,
    { "": "x" },
    { a: "x".repeat(1_025) },
    { ["a".repeat(257)]: "x" },
    { googclient: "x" },
  ]) {
    expect((await publish(token, { messages: [{ ...message, attributes }] })).status).toBe(400);
  }
  for (const messages of [[], [{}], [{ data: "not base64!" }], [{ ...message, more: 1 }]]) {
    expect((await publish(token, { messages })).status).toBe(400);
  }
  expect((await publish(gcp().token(account()), { messages: [message] })).status).toBe(403);
  expect((await publish(gcp().admin(), { messages: [message] }, `projects/${HOME}/topics/none`)).status).toBe(404);
  expect(gcp().published).toHaveLength(1);
});
