import { createHmac, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { SignJWT } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { TokenReason } from "../../core/audit.ts";
import { oidcDoor, Unauthenticated } from "../../core/doors.ts";
import { ArtifactRegistryError } from "../../core/errors.ts";
import { createOidcVerifier, type OidcOptions, oidcVerifier } from "../../core/oidc.ts";
import { type OidcIssuer, parseIssuers } from "../../core/oidc-issuers.ts";
import { createSuite, post } from "../support/application.ts";
import { errorOf, goodInputs } from "../support/inputs.ts";
import { answerJson, createKey, forge, type Issuer, startIssuer } from "../support/issuer.ts";
import { type HeldTimeLimits, holdTimeLimits } from "../support/time-limits.ts";

let a: Issuer;
let b: Issuer;
beforeAll(async () => {
  [a, b] = await Promise.all([startIssuer(), startIssuer()]);
});
beforeEach(() => {
  for (const issuer of [a, b]) {
    issuer.discovery = undefined;
    issuer.jwks = undefined;
    issuer.requests.length = 0;
  }
});
afterAll(() => Promise.all([a.stop(), b.stop()]));

const trust = (issuer: Issuer, part: Partial<OidcIssuer> = {}): OidcIssuer => ({
  issuer: issuer.url,
  audience: "suite",
  ...part,
});
const verifier = (options: OidcOptions = {}, issuers = [trust(a), trust(b)]) => createOidcVerifier(issuers, options);
const codeOf = async (verify: (token: string) => Promise<unknown>, token: string) =>
  verify(token).then(
    () => "OK",
    (error: unknown) => (error instanceof ArtifactRegistryError ? error.code : error),
  );

/** Has time go by on the clock of this process, without waiting for it. */
function later(milliseconds: number): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + milliseconds });
  onTestFinished(() => void vi.useRealTimers());
}

describe("ALIEN_OIDC_ISSUERS", () => {
  test("is a list of issuers", () => {
    const list = [
      { issuer: "https://issuer.example", audience: "suite" },
      { issuer: "https://other.example/path", audience: "suite", jwksUri: "https://other.example/keys" },
      { issuer: "http://127.0.0.1:8080", audience: "suite" },
      { issuer: "https://in.house.example", audience: "suite", caFile: "/etc/ca.pem" },
      { issuer: "https://cluster", audience: "suite", jwksUri: "https://cluster/keys", caFile: "/ca", tokenFile: "/t" },
    ];
    expect(parseIssuers(JSON.stringify(list))).toEqual(list);
  });

  test.each<[string, unknown, RegExp]>([
    ["not a list", {}, /must be a list/],
    ["empty", [], /at least one issuer/],
    ["no audience", [{ issuer: "https://i.example" }], /"0\.audience" is missing/],
    ["an empty audience", [{ issuer: "https://i.example", audience: "" }], /"0\.audience" must not be empty/],
    ["an audience list", [{ issuer: "https://i.example", audience: ["a"] }], /"0\.audience" must be a string/],
    [
      "a token without a place to send it",
      [{ issuer: "https://i.example", audience: "a", tokenFile: "/t" }],
      /"0" must have a jwksUri/,
    ],
    ["an empty CA", [{ issuer: "https://i.example", audience: "a", caFile: "" }], /"0\.caFile" must not be empty/],
    ["plain http", [{ issuer: "http://issuer.example", audience: "a" }], /"0\.issuer" must be an https URL/],
    [
      "http on a host that looks like loopback",
      [{ issuer: "http://127.0.0.1.evil.example", audience: "a" }],
      /"0\.issuer"/,
    ],
    ["http with loopback for a user", [{ issuer: "http://localhost@evil.example", audience: "a" }], /"0\.issuer"/],
    ["no URL", [{ issuer: "aws", audience: "a" }], /"0\.issuer"/],
    ["a file", [{ issuer: "file:///etc/passwd", audience: "a" }], /"0\.issuer"/],
    [
      "keys over plain http",
      [{ issuer: "https://i.example", audience: "a", jwksUri: "http://i.example/keys" }],
      /"0\.jwksUri"/,
    ],
    [
      "an unknown field",
      [{ issuer: "https://i.example", audience: "a", algorithms: ["none"] }],
      /"0\.algorithms" is not a field/,
    ],
    [
      "one issuer twice",
      [
        { issuer: "https://i.example", audience: "a" },
        { issuer: "https://i.example", audience: "b" },
      ],
      /each issuer once/,
    ],
  ])("refuses %s", async (_title, value, message) => {
    const error = await errorOf(() => parseIssuers(JSON.stringify(value)));
    expect(error).toMatchObject({
      code: "BINDING_CONFIG_INVALID",
      message: expect.stringMatching(message),
      hint: expect.stringContaining("ALIEN_OIDC_ISSUERS"),
      cause: expect.any(ArtifactRegistryError),
    });
  });

  test("refuses what is not JSON", async () => {
    const error = await errorOf(() => parseIssuers(""));
    expect(error).toMatchObject({ message: expect.stringMatching(/not JSON/), cause: expect.any(SyntaxError) });
  });
});

describe("a good token", () => {
  test("of each issuer names its caller: the pair of issuer and subject", async () => {
    const verify = verifier();
    expect(await verify(await a.sign())).toMatchObject({ issuer: a.url, subject: "x" });
    expect(await verify(await b.sign())).toMatchObject({ issuer: b.url, subject: "x" });
    expect(await verify(await a.sign({ sub: "repo:acme/app:ref:refs/heads/main" }))).toMatchObject({
      subject: "repo:acme/app:ref:refs/heads/main",
    });
  });

  test("finds the issuer's keys once, and only that issuer's", async () => {
    const verify = verifier();
    await Promise.all(Array.from({ length: 20 }, async () => verify(await a.sign())));
    expect(a.requests).toEqual(["/.well-known/openid-configuration", "/keys"]);
    expect(b.requests).toEqual([]);
  });

  test("may have several audiences, if ours is among them", async () => {
    expect(await codeOf(verifier(), await a.sign({ aud: ["other", "suite"] }))).toBe("OK");
  });

  test.each([...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"], ...["ES256", "ES384", "ES512", "EdDSA"]])(
    "may be signed with %s",
    async (alg) => {
      const before = a.keys;
      a.keys = [await createKey(alg)];
      expect(await codeOf(verifier(), await a.sign())).toBe("OK");
      a.keys = before;
    },
  );

  test("of an issuer without discovery is verified with the keys that the configuration names", async () => {
    const verify = verifier({}, [trust(a, { jwksUri: `${a.url}/keys` })]);
    expect(await codeOf(verify, await a.sign())).toBe("OK");
    expect(a.requests).toEqual(["/keys"]);
  });
});

describe("time", () => {
  const clock = new Date("2026-05-06T07:08:09.900Z");
  const second = Math.floor(clock.getTime() / 1_000);

  test.each([
    ["expires in a minute", { exp: second + 60 }, "OK"],
    ["expired, within the skew", { exp: second - 59 }, "OK"],
    ["expired by the skew", { exp: second - 60 }, "AUTHENTICATION_ERROR"],
    ["long expired", { exp: second - 86_400 }, "AUTHENTICATION_ERROR"],
    ["valid from now", { nbf: second }, "OK"],
    ["valid from the end of the skew", { nbf: second + 60 }, "OK"],
    ["valid after the skew", { nbf: second + 61 }, "AUTHENTICATION_ERROR"],
    ["no expiry", { exp: undefined }, "AUTHENTICATION_ERROR"],
    ["an expiry in words", { exp: "never" }, "AUTHENTICATION_ERROR"],
    ["a nbf in words", { nbf: "now" }, "AUTHENTICATION_ERROR"],
  ])("%s", async (_title, claims, code) => {
    const token = await a.sign({ iat: second, exp: second + 300, ...claims });
    expect(await codeOf(verifier({ now: () => clock }), token)).toBe(code);
  });

  const day = 24 * 60 * 60;
  test.each<[string, Record<string, unknown>, Partial<OidcIssuer>, string]>([
    ["a day, and the skew", { iat: second, exp: second + day + 60 }, {}, "OK"],
    ["a second more", { iat: second, exp: second + day + 61 }, {}, "TOKEN_LIVES_TOO_LONG"],
    ["ten years", { iat: second, exp: second + 3_650 * day }, {}, "TOKEN_LIVES_TOO_LONG"],
    ["a day of which half is over", { iat: second - day / 2, exp: second + day / 2 }, {}, "OK"],
    ["two days of which one is over", { iat: second - day, exp: second + day }, {}, "TOKEN_LIVES_TOO_LONG"],
    [
      "ten years, given in the future",
      { iat: second + 3_650 * day, exp: second + 3_650 * day + 60 },
      {},
      "TOKEN_LIVES_TOO_LONG",
    ],
    ["no time of issue: a day from now", { iat: undefined, exp: second + day }, {}, "OK"],
    ["no time of issue: two days from now", { iat: undefined, exp: second + 2 * day }, {}, "TOKEN_LIVES_TOO_LONG"],
    ["what the issuer's entry allows", { iat: second, exp: second + 7 * day }, { maxTokenSeconds: 7 * day }, "OK"],
    ["more than a short entry", { iat: second, exp: second + 700 }, { maxTokenSeconds: 600 }, "TOKEN_LIVES_TOO_LONG"],
  ])("a token that lives for %s", async (_title, claims, part, expected) => {
    const verify = verifier({ now: () => clock }, [trust(a, part)]);
    const token = await a.sign(claims);
    const outcome = await verify(token).then(
      () => "OK",
      (error: unknown) => (error instanceof Unauthenticated ? error.reason : error),
    );
    expect(outcome).toBe(expected);
  });

  test("a skew of one's own", async () => {
    const token = await a.sign({ iat: second, exp: second - 5 });
    expect(await codeOf(verifier({ now: () => clock, clockSkewSeconds: 5 }), token)).toBe("AUTHENTICATION_ERROR");
    expect(await codeOf(verifier({ now: () => clock, clockSkewSeconds: 6 }), token)).toBe("OK");
  });

  test("a token that was good is refused when its time is over", async () => {
    let now = clock;
    const verify = verifier({ now: () => now });
    const token = await a.sign({ iat: second, exp: second + 10 });
    expect(await codeOf(verify, token)).toBe("OK");
    now = new Date((second + 70) * 1_000);
    expect(await errorOf(() => verify(token))).toMatchObject({
      code: "AUTHENTICATION_ERROR",
      message: "The token has expired.",
    });
  });
});

describe("why a token does not count", () => {
  test.each<[string, Record<string, unknown>, TokenReason]>([
    ["expired", { iat: 1, exp: 2 }, "TOKEN_EXPIRED"],
    ["not yet valid", { nbf: 4_000_000_000 }, "TOKEN_NOT_YET_VALID"],
    ["for somebody else", { aud: "other" }, "TOKEN_AUDIENCE"],
    ["without a subject", { sub: undefined }, "TOKEN_CLAIM"],
    ["with a subject that is empty", { sub: "" }, "TOKEN_CLAIM"],
    ["given at a time in words", { iat: "now" }, "TOKEN_NOT_YET_VALID"],
    ["of a stranger", { iss: "https://evil.example" }, "TOKEN_ISSUER_UNKNOWN"],
    ["given later than now", { iat: 4_000_000_000, exp: 4_000_000_001 }, "TOKEN_LIVES_TOO_LONG"],
    ["valid from a time in words", { nbf: "now" }, "TOKEN_NOT_YET_VALID"],
  ])("%s: told to the operator, with what the token claims", async (_title, claims, reason) => {
    const error = await errorOf(async () => verifier()(await a.sign({ sub: "me", ...claims })));
    expect(error).toBeInstanceOf(Unauthenticated);
    const { claimed, reason: told } = error as Unauthenticated;
    expect(told).toBe(reason);
    expect(error.hint).toContain("Authorization: Bearer");
    expect(claimed).toMatchObject({
      issuer: claims.iss ?? a.url,
      ...(!("sub" in claims) && { subject: "me" }),
      audience: [claims.aud ?? "suite"],
    });
    expect(JSON.stringify(error.toWire("r"))).not.toContain(reason);
  });

  test("a signature that is none", async () => {
    const token = `${(await a.sign()).split(".").slice(0, 2).join(".")}.AAAA`;
    expect(await errorOf(() => verifier()(token))).toMatchObject({
      reason: "TOKEN_SIGNATURE",
      claimed: { issuer: a.url, subject: "x", audience: ["suite"], expiresAt: expect.stringMatching(/Z$/) },
    });
  });

  test.each<[Record<string, unknown>, object]>([
    [{ exp: 1_800_000_000 }, { expiresAt: "2027-01-15T08:00:00.000Z" }],
    [{ exp: "1800000000" }, {}],
    [{ exp: null, iss: null, sub: null, aud: null }, {}],
    [
      { sub: "", aud: "" },
      { subject: "", audience: [""] },
    ],
    [{ aud: ["a", "b"] }, { audience: ["a", "b"] }],
    [{ aud: [] }, {}],
    [{}, {}],
  ])("a token that says %j claims %j", async (claims, expected) => {
    const { claimed } = (await errorOf(() => verifier()(forge({ alg: "none" }, claims)))) as Unauthenticated;
    expect(claimed).toStrictEqual(expected);
  });

  test.each(["", "x", "a.b.c", "null.null.null"])("%j, which is no token", async (token) => {
    expect(await errorOf(() => verifier()(token))).toMatchObject({ reason: "TOKEN_MALFORMED", claimed: undefined });
  });

  test("what a token claims is cut to what a log can bear, and what is odd is left out", async () => {
    const long = "x".repeat(10_000);
    const token = forge({ alg: "none" }, { iss: long, sub: { a: 1 }, aud: [1, ...Array(50).fill(long)], exp: 1e300 });
    const { claimed } = (await errorOf(() => verifier()(token))) as Unauthenticated;
    expect(claimed).toEqual({ issuer: long.slice(0, 256), audience: Array(4).fill(long.slice(0, 256)) });
  });
});

describe("claims", () => {
  test("of a verified token are told to the rules", async () => {
    const caller = await verifier()(await a.sign({ environment: "production", groups: ["a", "b"] }));
    expect(caller.claims).toMatchObject({ environment: "production", groups: ["a", "b"], sub: "x" });
  });

  test.each<[string, Record<string, unknown>]>([
    ["another audience", { aud: "other" }],
    ["an audience that only begins so", { aud: "suite2" }],
    ["an audience in another case", { aud: "Suite" }],
    ["no audience", { aud: undefined }],
    ["no audience in the list", { aud: [] }],
    ["no subject", { sub: undefined }],
    ["an empty subject", { sub: "" }],
    ["a subject that is no string", { sub: 7 }],
    ["a subject that is a list", { sub: ["x"] }],
    ["no issuer", { iss: undefined }],
    ["an issuer that is no string", { iss: ["http://127.0.0.1"] }],
    ["an unknown issuer", { iss: "https://evil.example" }],
    ["a platform's name for an issuer", { iss: "aws" }],
    ["a JavaScript name for an issuer", { iss: "__proto__" }],
  ])("%s: refused", async (_title, claims) => {
    expect(await codeOf(verifier(), await a.sign(claims))).toBe("AUTHENTICATION_ERROR");
  });

  test("the issuer's URL must agree to the letter", async () => {
    for (const iss of [`${a.url}/`, a.url.toUpperCase(), `${a.url} `]) {
      expect(await codeOf(verifier(), await a.sign({ iss }))).toBe("AUTHENTICATION_ERROR");
    }
  });

  test("each issuer has its own audience", async () => {
    const verify = verifier({}, [trust(a, { audience: "for-a" }), trust(b, { audience: "for-b" })]);
    expect(await codeOf(verify, await a.sign({ aud: "for-a" }))).toBe("OK");
    expect(await codeOf(verify, await a.sign({ aud: "for-b" }))).toBe("AUTHENTICATION_ERROR");
  });

  test("an unknown issuer is never asked for its keys", async () => {
    expect(await codeOf(verifier({}, [trust(a)]), await b.sign())).toBe("AUTHENTICATION_ERROR");
    expect([a.requests, b.requests]).toEqual([[], []]);
  });
});

describe("signatures that do not count", () => {
  const claims = () => ({ iss: a.url, aud: "suite", sub: "x", exp: Math.floor(Date.now() / 1_000) + 300 });
  const kid = () => a.keys[0]?.kid;

  test("keys of A that sign for B", async () => {
    const verify = verifier();
    expect(await codeOf(verify, await a.sign({ iss: b.url }))).toBe("AUTHENTICATION_ERROR");
    // Even under the key id of B's own key.
    expect(await codeOf(verify, await a.sign({ iss: b.url }, { header: { kid: b.keys[0]?.kid } }))).toBe(
      "AUTHENTICATION_ERROR",
    );
  });

  test.each(["none", "None", "NONE", "nOnE"])("alg %s", async (alg) => {
    expect(await codeOf(verifier(), forge({ alg, kid: kid() }, claims()))).toBe("AUTHENTICATION_ERROR");
    expect(await codeOf(verifier(), forge({ alg }, claims()))).toBe("AUTHENTICATION_ERROR");
  });

  test("HS256 with the public key for a secret", async () => {
    const jwk = a.keys[0]?.publicJwk ?? {};
    const pem = createPublicKey({ key: { ...jwk }, format: "jwk" }).export({ type: "spki", format: "pem" });
    for (const secret of [
      pem.toString(),
      JSON.stringify(jwk),
      String(jwk.x),
      Buffer.from(String(jwk.x), "base64url"),
    ]) {
      const unsigned = forge({ alg: "HS256", kid: kid() }, claims()).slice(0, -1);
      const signature = createHmac("sha256", secret).update(unsigned).digest();
      const token = `${unsigned}.${signature.toString("base64url")}`;
      expect(await codeOf(verifier(), token)).toBe("AUTHENTICATION_ERROR");
    }
  });

  test("HS256 with a secret that the key set gives away", async () => {
    const secret = Buffer.alloc(32, 7);
    a.jwks = (_request, response) =>
      answerJson(response, { keys: [{ kty: "oct", kid: "shared", k: secret.toString("base64url"), alg: "HS256" }] });
    const token = await new SignJWT({ ...claims() }).setProtectedHeader({ alg: "HS256", kid: "shared" }).sign(secret);
    expect(await codeOf(verifier(), token)).toBe("AUTHENTICATION_ERROR");
  });

  test("an algorithm that is sound but not on the list", async () => {
    const before = a.keys;
    a.keys = [await createKey("Ed25519")];
    expect(await codeOf(verifier(), await a.sign())).toBe("AUTHENTICATION_ERROR");
    a.keys = before;
  });

  test("another key under a known id", async () => {
    const stranger = await createKey();
    expect(await codeOf(verifier(), await a.sign({}, { key: { ...stranger, kid: kid() ?? "" } }))).toBe(
      "AUTHENTICATION_ERROR",
    );
  });

  test("a key that the token brings along", async () => {
    const stranger = await createKey();
    for (const header of [{ jwk: stranger.publicJwk }, { jku: `${b.url}/keys` }, { x5u: `${b.url}/cert` }]) {
      expect(await codeOf(verifier(), await a.sign({}, { key: stranger, header }))).toBe("AUTHENTICATION_ERROR");
    }
    expect(b.requests).toEqual([]);
  });

  test("another type of key than the algorithm names", async () => {
    const rsa = await createKey("RS256");
    expect(await codeOf(verifier(), await a.sign({}, { key: { ...rsa, kid: kid() ?? "" } }))).toBe(
      "AUTHENTICATION_ERROR",
    );
  });

  test("claims changed after signing", async () => {
    const [header, , signature] = (await a.sign()).split(".");
    const payload = Buffer.from(JSON.stringify({ ...claims(), sub: "admin" })).toString("base64url");
    expect(await codeOf(verifier(), `${header}.${payload}.${signature}`)).toBe("AUTHENTICATION_ERROR");
  });

  test("no signature, half a signature, one bit of it changed", async () => {
    const token = await a.sign();
    const at = token.lastIndexOf(".") + 5;
    const flipped = token.slice(0, at) + (token.charAt(at) === "A" ? "B" : "A") + token.slice(at + 1);
    for (const bad of [token.slice(0, token.lastIndexOf(".") + 1), token.slice(0, -10), flipped]) {
      expect(await codeOf(verifier(), bad)).toBe("AUTHENTICATION_ERROR");
    }
  });

  test("a critical header that nobody understands", async () => {
    const header = { kid: kid(), alg: "ES256", crit: ["exp2"], exp2: 1 };
    expect(await codeOf(verifier(), forge(header, claims(), new Uint8Array(64)))).toBe("AUTHENTICATION_ERROR");
  });

  test.each(["", ".", "..", "a.b.c", "x", "eyJhbGciOiJub25lIn0.e30.", "a.b.c.d.e", "null.null.null", "é.é.é"])(
    "%j, which is no token",
    async (token) => {
      expect(await codeOf(verifier(), token)).toBe("AUTHENTICATION_ERROR");
    },
  );

  test("a refusal does not repeat the token", async () => {
    const token = await a.sign({ sub: "canary", aud: "other" });
    const error = await errorOf(() => verifier()(token));
    const text = JSON.stringify(error.toWire("r"));
    expect(text).not.toContain("canary");
    for (const piece of token.split(".")) expect(text).not.toContain(piece);
  });
});

describe("key rotation in mid-run", () => {
  test("the new key is found, and the withdrawn one no longer counts", async () => {
    const verify = verifier({ cooldownMs: 60_000 });
    const [old] = a.keys;
    const oldToken = await a.sign();
    expect(await codeOf(verify, oldToken)).toBe("OK");

    const next = await createKey();
    a.keys = old ? [next, old] : [next];
    later(60_000);
    const newToken = await a.sign();
    expect(await codeOf(verify, newToken)).toBe("OK");
    expect(await codeOf(verify, oldToken)).toBe("OK");

    // The old key is withdrawn; the next key that is not known makes the verifier look again.
    a.keys = [await createKey()];
    later(60_000);
    expect(await codeOf(verify, await a.sign())).toBe("OK");
    expect(await codeOf(verify, oldToken)).toBe("AUTHENTICATION_ERROR");
    expect(await codeOf(verify, newToken)).toBe("AUTHENTICATION_ERROR");
  });

  test("keys are asked for again after five minutes, and not before", async () => {
    const verify = verifier();
    const token = await a.sign({ exp: Math.floor(Date.now() / 1_000) + 3_600 });
    const keysAsked = () => a.requests.filter((path) => path === "/keys").length;
    await verify(token);
    later(299_000);
    await verify(token);
    expect(keysAsked()).toBe(1);
    later(2_000);
    await verify(token);
    expect(keysAsked()).toBe(2);
  });

  test("rotation while many tokens are verified fails none of them for long", async () => {
    const verify = verifier({ cooldownMs: 60_000 });
    const before = await a.sign();
    await verify(before);
    const old = a.keys;
    a.keys = [await createKey(), ...old];
    later(60_000);
    const after = await a.sign();
    const codes = await Promise.all(Array.from({ length: 50 }, (_, i) => codeOf(verify, i % 2 ? before : after)));
    expect(new Set(codes)).toEqual(new Set(["OK"]));
    expect(a.requests.filter((path) => path === "/keys")).toHaveLength(2);
  });

  test("unknown key ids do not flood the issuer", async () => {
    const verify = verifier({ cooldownMs: 60_000 });
    await verify(await a.sign());
    const stranger = await createKey();
    for (let i = 0; i < 20; i++) {
      const token = await a.sign({}, { key: stranger, header: { kid: `guess-${i}` } });
      expect(await codeOf(verify, token)).toBe("AUTHENTICATION_ERROR");
    }
    expect(a.requests).toHaveLength(2);
  });
});

describe("an issuer that cannot be asked is never an open door", () => {
  const unavailable = { code: "SERVICE_UNAVAILABLE", httpStatusCode: 503, retryable: true, retryAfterSeconds: 5 };
  type Fault = (issuer: Issuer) => Issuer["jwks"];
  const faults: readonly (readonly [string, Fault])[] = [
    [
      "an error status, and what would do otherwise",
      (issuer) => (_request, response) => {
        const keys = a.keys.map((key) => key.publicJwk);
        answerJson(response, { issuer: a.url, jwks_uri: `${issuer.url}/keys`, keys }, 203);
      },
    ],
    ["an error status", () => (_request, response) => answerJson(response, {}, 500)],
    ["not found", () => (_request, response) => answerJson(response, {}, 404)],
    ["a page", () => (_request, response) => response.end("<html>Sign in</html>")],
    ["nothing", () => (_request, response) => response.end()],
    ["a list", () => (_request, response) => answerJson(response, [])],
    ["null", () => (_request, response) => answerJson(response, null)],
    [
      "a redirect",
      (issuer) => (_request, response) => response.writeHead(302, { location: `${issuer.url}/keys` }).end(),
    ],
    ["a connection cut off", () => (request) => request.socket.destroy()],
    [
      "half an answer",
      () => (_request, response) => {
        response.writeHead(200, { "content-length": "100" }).write("{");
        setImmediate(() => response.destroy());
      },
    ],
    ["no answer in time", () => () => limits.end()],
    [
      "a body that never ends",
      () => (_request, response) => response.writeHead(200).write('{"keys":[', () => limits.end()),
    ],
  ];
  /** The verifier's own limits: one runs out when the issuer has been asked, and does not answer. */
  let limits: HeldTimeLimits;
  beforeEach(() => {
    limits = holdTimeLimits();
  });

  test.each(faults)("discovery answers with %s, then recovers", async (_title, fault) => {
    const verify = verifier({ cooldownMs: 0 });
    const token = await a.sign();
    a.discovery = fault(b);
    expect(await errorOf(() => verify(token))).toMatchObject(unavailable);
    expect(b.requests).toEqual([]);
    a.discovery = undefined;
    expect(await codeOf(verify, token)).toBe("OK");
  });

  test.each(faults)("the key set answers with %s, then recovers", async (_title, fault) => {
    const verify = verifier({ cooldownMs: 0 });
    const token = await a.sign();
    a.jwks = fault(b);
    expect(await errorOf(() => verify(token))).toMatchObject(unavailable);
    expect(b.requests).toEqual([]);
    a.jwks = undefined;
    expect(await codeOf(verify, token)).toBe("OK");
  });

  test.each<[string, (url: string) => object]>([
    ["another issuer's", (url) => ({ issuer: "https://evil.example", jwks_uri: `${url}/keys` })],
    ["without its issuer", (url) => ({ jwks_uri: `${url}/keys` })],
    ["without a key set", (url) => ({ issuer: url })],
    ["with a key set over plain http", (url) => ({ issuer: url, jwks_uri: "http://evil.example/keys" })],
    ["with a file for a key set", (url) => ({ issuer: url, jwks_uri: "file:///etc/passwd" })],
  ])("the discovery document is %s", async (_title, document) => {
    a.discovery = (_request, response) => answerJson(response, document(a.url));
    const urls: string[] = [];
    const given: OidcOptions["fetch"] = async (url, init) => {
      urls.push(String(url));
      if (urls.length > 1) throw new Error("Nobody may be asked for these keys.");
      return fetch(url, init as RequestInit);
    };
    expect(await errorOf(async () => verifier({ fetch: given })(await a.sign()))).toMatchObject(unavailable);
    expect(urls).toEqual([`${a.url}/.well-known/openid-configuration`]);
  });

  test("keys that are none", async () => {
    a.jwks = (_request, response) => answerJson(response, { keys: ["x", null, 7] });
    expect(await codeOf(verifier(), await a.sign())).toBe("SERVICE_UNAVAILABLE");
    a.jwks = (_request, response) =>
      answerJson(response, { keys: [{ kty: "EC", kid: a.keys[0]?.kid, crv: "P-256", alg: "ES256" }] });
    expect(await codeOf(verifier(), await a.sign())).toBe("SERVICE_UNAVAILABLE");
    a.jwks = (_request, response) => answerJson(response, { keys: [] });
    expect(await codeOf(verifier(), await a.sign())).toBe("AUTHENTICATION_ERROR");
  });

  test("a key of the issuer that is too weak does not count", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
    a.jwks = (_request, response) =>
      answerJson(response, { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "weak", alg: "RS256" }] });
    const unsigned = forge({ alg: "RS256", kid: "weak" }, { iss: a.url, aud: "suite", sub: "x", exp: 4e9 }).slice(
      0,
      -1,
    );
    const token = `${unsigned}.${sign("sha256", Buffer.from(unsigned), privateKey).toString("base64url")}`;
    expect(await codeOf(verifier(), token)).toBe("SERVICE_UNAVAILABLE");
  });

  test("down at first, it serves when it comes back; the other issuer is not touched", async () => {
    const issuer = await startIssuer();
    const token = await issuer.sign();
    const verify = verifier({ cooldownMs: 0 }, [trust(issuer), trust(b)]);
    await issuer.stop();
    expect(await errorOf(() => verify(token))).toMatchObject(unavailable);
    expect(await codeOf(verify, await b.sign())).toBe("OK");
    await issuer.start();
    expect(await codeOf(verify, token)).toBe("OK");
    // Once its keys are known, its tokens are verified without it; an unknown key has to wait for it.
    await issuer.stop();
    expect(await codeOf(verify, token)).toBe("OK");
    await issuer.start();
    await issuer.stop();
  });

  test("an issuer that failed is left alone for a while, whoever names it in a token", async () => {
    const verify = verifier({ cooldownMs: 60_000 });
    const token = await a.sign();
    a.discovery = (_request, response) => response.writeHead(500).end();
    for (let i = 0; i < 5; i++) expect(await errorOf(() => verify(token))).toMatchObject(unavailable);
    expect(a.requests).toEqual(["/.well-known/openid-configuration"]);
  });

  test("a forged token of an issuer that is down is not let in either", async () => {
    const issuer = await startIssuer();
    await issuer.stop();
    const verify = verifier({}, [trust(issuer)]);
    expect(await codeOf(verify, forge({ alg: "none" }, { iss: issuer.url, sub: "x", aud: "suite", exp: 4e9 }))).toBe(
      "SERVICE_UNAVAILABLE",
    );
  });
});

describe("whether the issuers can be asked", () => {
  test("asks each of them once, and finds nothing wrong", async () => {
    const verify = verifier();
    expect(verify.issuers).toEqual([a.url, b.url]);
    expect(await verify.ready()).toEqual([]);
    expect(await verify.ready()).toEqual([]);
    for (const issuer of [a, b]) expect(issuer.requests).toEqual(["/.well-known/openid-configuration", "/keys"]);
    expect(await codeOf(verify, await a.sign())).toBe("OK");
    expect(a.requests).toHaveLength(2);
  });

  test.each<[string, Partial<Issuer>]>([
    ["discovery", { discovery: (_request, response) => response.writeHead(500).end() }],
    ["the key set", { jwks: (_request, response) => response.writeHead(500).end() }],
  ])("names the one that fails at %s, and fails where it is the only one", async (_title, fault) => {
    Object.assign(a, fault);
    const expected = { code: "SERVICE_UNAVAILABLE", message: expect.stringContaining(a.url), hint: expect.anything() };
    expect(await verifier({ cooldownMs: 0 }).ready()).toEqual([expect.objectContaining(expected)]);
    const error = await errorOf(() => verifier({ cooldownMs: 0 }, [trust(a)]).ready());
    expect(error).toMatchObject(expected);
    expect(error.cause).toBeInstanceOf(Error);
  });

  test("fails where all of several fail, with what the first one says", async () => {
    for (const issuer of [a, b]) issuer.discovery = (_request, response) => response.writeHead(500).end();
    expect(await errorOf(() => verifier().ready())).toMatchObject({ message: expect.stringContaining(a.url) });
  });
});

describe("how an issuer is asked", () => {
  test("its URL may end with a slash", async () => {
    const issuer = `${a.url}/`;
    a.discovery = (_request, response) => answerJson(response, { issuer, jwks_uri: `${a.url}/keys` });
    const verify = createOidcVerifier([{ issuer, audience: "suite" }]);
    expect(await verify(await a.sign({ iss: issuer }))).toMatchObject({ issuer, subject: "x" });
    expect(a.requests).toEqual(["/.well-known/openid-configuration", "/keys"]);
  });

  test("after an answer that it never got, it is left alone for a while", async () => {
    const verify = verifier({ cooldownMs: 60_000 });
    a.discovery = (request) => request.socket.destroy();
    for (let i = 0; i < 3; i++) expect(await codeOf(verify, await a.sign())).toBe("SERVICE_UNAVAILABLE");
    const asked = new Set(a.requests);
    expect(asked).toEqual(new Set(["/.well-known/openid-configuration"]));
    const before = a.requests.length;
    expect(await codeOf(verify, await a.sign())).toBe("SERVICE_UNAVAILABLE");
    expect(a.requests).toHaveLength(before);
  });

  test("by the client that was given, except where it has a CA of its own", async () => {
    const urls: string[] = [];
    const given: OidcOptions["fetch"] = async (url, init) => {
      urls.push(String(url));
      // A redirect could lead to anybody.
      expect(init).toMatchObject({ method: "GET", redirect: "manual" });
      return fetch(url, init as RequestInit);
    };
    expect(await codeOf(verifier({ fetch: given }), await a.sign())).toBe("OK");
    expect(urls).toEqual([`${a.url}/.well-known/openid-configuration`, `${a.url}/keys`]);
    const withCa = verifier({ fetch: given }, [trust(a, { caFile: "/nowhere/ca.pem" })]);
    expect(await codeOf(withCa, await a.sign())).not.toBe("OK");
    const withToken = trust(a, { jwksUri: `${a.url}/keys`, tokenFile: "/nowhere/token" });
    expect(await codeOf(verifier({ fetch: given }, [withToken]), await a.sign())).not.toBe("OK");
    expect(urls).toHaveLength(2);
  });

  test("as ALIEN_OIDC_ISSUERS says", async () => {
    const verify = oidcVerifier({ ALIEN_OIDC_ISSUERS: JSON.stringify([trust(a)]) });
    expect(verify.issuers).toEqual([a.url]);
    expect(await verify(await a.sign())).toMatchObject({ issuer: a.url, subject: "x" });
    const proxied = oidcVerifier({
      ALIEN_OIDC_ISSUERS: JSON.stringify([trust(a)]),
      HTTP_PROXY: b.url,
    });
    expect(await codeOf(proxied, await a.sign())).toBe("SERVICE_UNAVAILABLE");
    expect(b.requests).not.toEqual([]);
    expect(await errorOf(() => oidcVerifier({}))).toMatchObject({
      code: "BINDING_CONFIG_INVALID",
      hint: expect.stringContaining("ALIEN_OIDC_ISSUERS"),
    });
  });
});

describe("through HTTP, with rules", () => {
  const setUp = () => {
    const rules = [
      {
        callers: [{ issuer: a.url, subject: "x" }],
        operations: ["*"],
        registries: ["images"],
        repositories: ["images/my-app"],
      },
    ];
    const suite = createSuite({ door: oidcDoor(verifier({ cooldownMs: 0 })), rules });
    const call = async (token: string | undefined, input: object = goodInputs.getRepository) => {
      const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const response = await suite.http(post("/v1/getRepository", input, headers), {
        platformCaller: { issuer: a.url, subject: "x" },
      });
      const { code = "OK" } = (await response.json()) as { code?: string };
      return { status: response.status, code, retryAfter: response.headers.get("retry-after") };
    };
    return { ...suite, call };
  };

  test("the caller of the rule is served, for what the rule says", async () => {
    const { call, audit } = setUp();
    expect(await call(await a.sign())).toMatchObject({ status: 200 });
    expect(await call(await a.sign(), { registry: "images", repoId: "images/other" })).toMatchObject({
      status: 403,
      code: "ACCESS_DENIED",
    });
    expect(audit.map(({ caller, outcome }) => [caller, outcome])).toEqual([
      [{ issuer: a.url, subject: "x" }, "OK"],
      [{ issuer: a.url, subject: "x" }, "ACCESS_DENIED"],
    ]);
  });

  test("the right subject from the wrong issuer is somebody else", async () => {
    const { call, audit, registry } = setUp();
    expect(await call(await b.sign({ sub: "x" }))).toMatchObject({ status: 403, code: "ACCESS_DENIED" });
    expect(audit[0]?.caller).toEqual({ issuer: b.url, subject: "x" });
    expect(registry.recorded).toEqual([]);
  });

  test("B cannot speak for A", async () => {
    const { call, audit, registry } = setUp();
    expect(await call(await b.sign({ iss: a.url, sub: "x" }))).toMatchObject({
      status: 401,
      code: "AUTHENTICATION_ERROR",
    });
    expect(audit[0]).not.toHaveProperty("caller");
    expect(registry.recorded).toEqual([]);
  });

  test("another subject, a stale token, a token for somebody else, and none", async () => {
    const { call, registry } = setUp();
    expect((await call(await a.sign({ sub: "y" }))).status).toBe(403);
    expect((await call(await a.sign({ exp: 1 }))).status).toBe(401);
    expect((await call(await a.sign({ aud: "other" }))).status).toBe(401);
    expect((await call(undefined)).status).toBe(401);
    expect(registry.recorded).toEqual([]);
  });

  test("an issuer that does not answer is 503 with Retry-After, and serves when it is back", async () => {
    const { call } = setUp();
    const limits = holdTimeLimits();
    a.discovery = () => limits.end();
    expect(await call(await a.sign())).toEqual({ status: 503, code: "SERVICE_UNAVAILABLE", retryAfter: "5" });
    a.discovery = undefined;
    expect((await call(await a.sign())).status).toBe(200);
  });

  test("keys rotate between two requests", async () => {
    const { call } = setUp();
    const oldToken = await a.sign();
    expect((await call(oldToken)).status).toBe(200);
    a.keys = [await createKey()];
    expect((await call(await a.sign())).status).toBe(200);
    expect((await call(oldToken)).status).toBe(401);
  });
});
