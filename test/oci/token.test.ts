import { createHash, createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  type Credential,
  loadTokenKey,
  mintToken,
  TokenError,
  type TokenKey,
  tokenKey,
  verifyToken,
} from "../../oci/token/index.ts";
import { temporaryFolder } from "./support.ts";

const now = new Date("2026-03-01T12:00:00Z");
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000);
const access = [{ type: "repository", name: "team/app", actions: ["pull"] }] as const;
const credential: Credential = {
  id: "one",
  issuedAt: now.getTime() / 1000,
  registry: "images",
  repositories: ["team/app", "team/base"],
  permissions: "pull",
};

async function newKey() {
  return loadTokenKey(join(await temporaryFolder(), "token.key"));
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof TokenError) return error.code;
    throw error;
  }
  return "accepted";
}

/** A token that this key signed, whatever stands in it. */
function signed(key: TokenKey, payload: string, kid = key.id): string {
  const encode = (text: string) => Buffer.from(text).toString("base64url");
  const both = `${encode(`{"alg":"HS256","typ":"JWT","kid":"${kid}"}`)}.${encode(payload)}`;
  return `${both}.${createHmac("sha256", key.secret).update(both).digest("base64url")}`;
}

describe("tokens", () => {
  it("come back as they were minted, each with an id of its own", async () => {
    const key = await newKey();
    const options = { subject: "ci", access, audience: "registry", expiresAt: later(10.9), now };
    const token = mintToken(key, options);
    expect(verifyToken(key, token, { audience: "registry", now })).toEqual({
      subject: "ci",
      access,
      expiresAt: later(10),
      root: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(mintToken(key, options)).not.toBe(token);
  });

  it("say what the token specification asks for, and no more", async () => {
    const options = { subject: "ci", access, audience: "registry", expiresAt: later(10), now, id: "one" };
    const payloadOf = (token: string) => JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    const claims = { sub: "ci", aud: "registry", iat: later(0).getTime() / 1000, exp: later(10).getTime() / 1000 };
    const key = await newKey();
    expect(payloadOf(mintToken(key, options))).toEqual({ ...claims, jti: "one", access });
    expect(payloadOf(mintToken(key, { ...options, root: "zero", credential }))).toEqual({
      ...claims,
      jti: "one",
      root: "zero",
      access,
      credential,
    });
  });

  it("tell the credential that they stand for, and the token that they came from", async () => {
    const key = await newKey();
    const options = { subject: "ci", access, audience: "registry", expiresAt: later(10), now };
    const verify = (token: string) => verifyToken(key, token, { audience: "registry", now });
    const claims = { subject: "ci", access, expiresAt: later(10) };
    const minted = mintToken(key, { ...options, id: "one", root: "zero", credential });
    expect(verify(minted)).toEqual({ ...claims, root: "zero", credential });
    expect(verify(mintToken(key, { ...options, id: "one" }))).toEqual({ ...claims, root: "one" });
  });

  it("end at their second, with no leeway", async () => {
    const key = await newKey();
    const token = mintToken(key, { subject: "ci", access, audience: "registry", expiresAt: later(10), now });
    const at = (moment: Date) => refusal(() => verifyToken(key, token, { audience: "registry", now: moment }));
    expect(at(new Date(later(10).getTime() - 1))).toBe("accepted");
    expect(at(later(10))).toBe("expired");
  });

  it("count for their audience and their key only", async () => {
    const [key, other] = [await newKey(), await newKey()];
    const token = mintToken(key, { subject: "ci", access, audience: "registry", expiresAt: later(10), now });
    expect(refusal(() => verifyToken(key, token, { audience: "elsewhere", now }))).toBe("audience");
    expect(refusal(() => verifyToken(other, token, { audience: "registry", now }))).toBe("signature");
  });

  it("are refused when any one character is changed", async () => {
    const key = await newKey();
    const token = mintToken(key, { subject: "ci", access, audience: "registry", expiresAt: later(10), now });
    for (let i = 0; i < token.length; i += 1) {
      const changed = `${token.slice(0, i)}${token[i] === "A" ? "B" : "A"}${token.slice(i + 1)}`;
      expect(
        refusal(() => verifyToken(key, changed, { audience: "registry", now })),
        `at ${i}`,
      ).not.toBe("accepted");
    }
  });

  it("are refused under another algorithm, also with a signature that is right for it", async () => {
    const file = join(await temporaryFolder(), "token.key");
    const key = await loadTokenKey(file);
    const payload = mintToken(key, { subject: "ci", access, audience: "registry", expiresAt: later(10), now }).split(
      ".",
    )[1];
    const encode = (header: object) => Buffer.from(JSON.stringify(header)).toString("base64url");
    expect(
      refusal(() => verifyToken(key, `${encode({ alg: "none" })}.${payload}.`, { audience: "registry", now })),
    ).toBe("malformed");
    const signed = `${encode({ alg: "HS512", typ: "JWT" })}.${payload}`;
    const signature = createHmac("sha512", await readFile(file))
      .update(signed)
      .digest("base64url");
    expect(refusal(() => verifyToken(key, `${signed}.${signature}`, { audience: "registry", now }))).toBe("malformed");
    for (const nonsense of ["", "a", "a.b", "a.b.c", "a.b.c.d"]) {
      expect(refusal(() => verifyToken(key, nonsense, { audience: "registry", now }))).toBe("malformed");
    }
  });
});

describe("a token whose signature is right", () => {
  const key = tokenKey(Buffer.alloc(32, 1));
  const claims = { sub: "ci", aud: "registry", exp: later(10).getTime() / 1000, jti: "one", access, credential };
  const check = (payload: string) =>
    refusal(() => verifyToken(key, signed(key, payload), { audience: "registry", now }));
  const entry = access[0];

  it.each<[string, object]>([
    ["all claims", {}],
    ["no credential", { credential: undefined }],
    ["no access", { access: [] }],
    ["access to the registry", { access: [{ type: "registry", name: "catalog", actions: ["*"] }] }],
    ["no actions", { access: [{ ...entry, actions: [] }] }],
    ["a credential for nothing", { credential: { ...credential, repositories: [] } }],
    ["claims that we do not know", { nbf: 0, access: [{ ...entry, class: "image" }] }],
  ])("counts with %s", (_title, part) => {
    expect(check(JSON.stringify({ ...claims, ...part }))).toBe("accepted");
  });

  it.each<[string, object]>([
    ["no subject", { sub: undefined }],
    ["a subject that is no text", { sub: 1 }],
    ["no audience", { aud: undefined }],
    ["a list of audiences", { aud: ["registry"] }],
    ["no end", { exp: undefined }],
    ["an end that is no number", { exp: String(claims.exp) }],
    ["an end within a second", { exp: claims.exp + 0.5 }],
    ["an end that never comes", { exp: 2 ** 53 }],
    ["no access", { access: undefined }],
    ["access that is no list", { access: { length: 0 } }],
    ["access of which one is null", { access: [entry, null] }],
    ["access of which one is a text", { access: [entry, "repository:team/app:pull"] }],
    ["access of another type", { access: [{ ...entry, type: "plugin" }] }],
    ["access without a type", { access: [{ ...entry, type: undefined }] }],
    ["access without a name", { access: [{ ...entry, name: undefined }] }],
    ["access with a name that is no text", { access: [{ ...entry, name: 1 }] }],
    ["access without actions", { access: [{ ...entry, actions: undefined }] }],
    ["access with actions in one text", { access: [{ ...entry, actions: "pull" }] }],
    ["access with an action that is no text", { access: [{ ...entry, actions: ["pull", 1] }] }],
    ["a credential that is null", { credential: null }],
    ["a credential that is a text", { credential: "one" }],
    ["a credential without an id", { credential: { ...credential, id: undefined } }],
    ["a credential without a time", { credential: { ...credential, issuedAt: undefined } }],
    ["a credential with a time within a second", { credential: { ...credential, issuedAt: 0.5 } }],
    ["a credential without a registry", { credential: { ...credential, registry: undefined } }],
    ["a credential without repositories", { credential: { ...credential, repositories: undefined } }],
    ["a credential with repositories in one text", { credential: { ...credential, repositories: "team/app" } }],
    ["a credential with a repository that is none", { credential: { ...credential, repositories: ["a", 1] } }],
    ["a credential without permissions", { credential: { ...credential, permissions: undefined } }],
  ])("is malformed with %s", (_title, part) => {
    expect(check(JSON.stringify({ ...claims, ...part }))).toBe("malformed");
  });

  it.each(["", "{", "null", "1", '"claims"', "[]", "{}", "true"])("is malformed with %j for its claims", (payload) => {
    expect(check(payload)).toBe("malformed");
  });

  it("is malformed when a part is missing or follows, and has another signature when that is cut or goes on", () => {
    const token = signed(key, JSON.stringify(claims));
    const [header, payload, signature = ""] = token.split(".");
    const of = (...parts: (string | undefined)[]) =>
      refusal(() => verifyToken(key, parts.join("."), { audience: "registry", now }));
    expect(of(header, payload, signature)).toBe("accepted");
    expect([of(header), of(header, payload), of(token, "x"), of(token, "")]).toEqual(Array(4).fill("malformed"));
    expect([of(header, payload, ""), of(header, payload, signature.slice(0, -1)), of(`${token}A`)]).toEqual(
      Array(3).fill("signature"),
    );
  });

  it("and no id gets one from its content, the same each time: those of earlier versions", () => {
    const rootOf = (part: object) => {
      const token = signed(key, JSON.stringify({ ...claims, jti: undefined, ...part }));
      const digest = createHash("sha256")
        .update(String(token.split(".")[1]))
        .digest("base64url");
      return [verifyToken(key, token, { audience: "registry", now }).root, digest];
    };
    for (const part of [{}, { jti: 1 }, { root: null }]) {
      const [root, digest] = rootOf(part);
      expect(root).toBe(digest);
    }
  });
});

describe("a token names its key", () => {
  const headerOf = (token: string) => JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString());
  const mint = (key: TokenKey) =>
    mintToken(key, { subject: "ci", access, audience: "registry", expiresAt: later(10), now });

  it("by an id that tells nothing about it", async () => {
    const key = await newKey();
    const { kid, ...rest } = headerOf(mint(key));
    expect(rest).toEqual({ alg: "HS256", typ: "JWT" });
    expect(kid).toBe(key.id);
    expect(kid).toMatch(/^[\w-]{16}$/);
    expect(kid).not.toBe(key.secret.export().toString("base64url").slice(0, 16));
    expect(headerOf(mint(await newKey())).kid).not.toBe(kid);
  });

  it("and counts for no other, nor for the same name with another's signature", async () => {
    const [key, other] = [await newKey(), await newKey()];
    const [, payload, signature] = mint(other).split(".");
    const swapped = [mint(key).split(".")[0], payload, signature].join(".");
    const claims = Buffer.from(String(payload), "base64url").toString();
    const check = (token: string) => refusal(() => verifyToken([key, other], token, { audience: "registry", now }));
    expect([check(mint(key)), check(mint(other)), check(signed(other, claims))]).toEqual(Array(3).fill("accepted"));
    expect([check(swapped), check(signed(other, claims, key.id))]).toEqual(["signature", "signature"]);
  });

  it("or none, as those of earlier versions: then any key of the registry may have signed it", async () => {
    const [key, other] = [await newKey(), await newKey()];
    const header = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString("base64url");
    const signed = `${header}.${mint(key).split(".")[1]}`;
    const old = `${signed}.${createHmac("sha256", key.secret).update(signed).digest("base64url")}`;
    const check = (...keys: [TokenKey, ...TokenKey[]]) =>
      refusal(() => verifyToken(keys, old, { audience: "registry", now }));
    expect([check(key), check(other, key), check(other)]).toEqual(["accepted", "accepted", "signature"]);
  });

  it("and ends with its key, to the second", async () => {
    const [key, next] = [await newKey(), await newKey()];
    const token = mint(key);
    const at = (moment: Date) =>
      refusal(() => verifyToken([next, { ...key, endsAt: later(5) }], token, { audience: "registry", now: moment }));
    expect([at(new Date(later(5).getTime() - 1)), at(later(5))]).toEqual(["accepted", "signature"]);
  });
});
