import { createHmac } from "node:crypto";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  followTokenKeys,
  loadTokenKey,
  loadTokenKeys,
  mintToken,
  rotated,
  type TokenError,
  type TokenKey,
  verifyToken,
} from "../../oci/token/index.ts";
import { temporaryFolder } from "./support.ts";

const now = new Date("2026-03-01T12:00:00Z");
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000);
const access = [{ type: "repository", name: "team/app", actions: ["pull"] }] as const;

async function newKey() {
  return loadTokenKey(join(await temporaryFolder(), "token.key"));
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as TokenError).code;
  }
  return "accepted";
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
    });
    expect(mintToken(key, options)).not.toBe(token);
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
    const forged = [mint(key).split(".")[0], payload, signature].join(".");
    const check = (token: string) => refusal(() => verifyToken([key, other], token, { audience: "registry", now }));
    expect([check(mint(key)), check(mint(other)), check(forged)]).toEqual(["accepted", "accepted", "signature"]);
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

describe("a rotation", () => {
  async function rotateIn(file: string, endsAt: Date, at = now) {
    await writeFile(file, rotated(await loadTokenKeys(file), { endsAt, now: at }));
    return loadTokenKeys(file);
  }

  it("puts a new key first, and keeps each former one until it ends", async () => {
    const file = join(await temporaryFolder(), "token.key");
    const [first] = await loadTokenKeys(file);
    const [second, ...formerly] = await rotateIn(file, later(100));
    expect(second.endsAt).toBeUndefined();
    expect(formerly.map(({ id, endsAt }) => [id, endsAt])).toEqual([[first.id, later(100)]]);
    const [third, ...former] = await rotateIn(file, later(150), later(50));
    expect(former.map(({ id, endsAt }) => [id, endsAt])).toEqual([
      [second.id, later(150)],
      [first.id, later(100)],
    ]);
    const [, ...left] = await rotateIn(file, later(200), later(100));
    expect(left.map(({ id }) => id)).toEqual([third.id, second.id]);
    const [, ...none] = await rotateIn(file, later(150), later(200));
    expect(none).toEqual([]);
  });

  it("is seen by whoever follows the file; what makes it unreadable later changes nothing, and is told", async () => {
    const file = join(await temporaryFolder(), "token.key");
    const reports: unknown[] = [];
    const keys = followTokenKeys(file, (error) => void reports.push(error));
    const ids = async () => (await keys()).map(({ id }) => id);
    const [first] = await keys();
    const [second] = await rotateIn(file, later(100));
    expect(await ids()).toEqual([second.id, first.id]);
    expect(await keys()).toBe(await keys());
    const good = await readFile(file);
    for (const damaged of ["no key", good.subarray(0, 60), '{"keys":[]}']) {
      await writeFile(file, damaged);
      expect(await ids()).toEqual([second.id, first.id]);
    }
    expect(reports.map(String)).toEqual([expect.stringContaining("is not a token key")]);
    await rm(file);
    expect(await ids()).toEqual([second.id, first.id]);
    await writeFile(file, good);
    const [third] = await rotateIn(file, later(100));
    expect(await ids()).toEqual([third.id, second.id, first.id]);
  });

  it("does not keep a first read that failed", async () => {
    const file = join(await temporaryFolder(), "token.key");
    await writeFile(file, "no key");
    const keys = followTokenKeys(file);
    for (const _again of [1, 2]) await expect(keys()).rejects.toThrow("is not a token key");
    await writeFile(file, Buffer.alloc(32, 1));
    expect(await keys()).toHaveLength(1);
  });
});

describe("the key's file", () => {
  it("is made once, for its owner only, also when several start at once", async () => {
    const file = join(await temporaryFolder(), "deep", "token.key");
    const keys = await Promise.all(Array.from({ length: 5 }, () => loadTokenKey(file)));
    const [first] = keys;
    expect(keys.every(({ secret }) => first?.secret.equals(secret))).toBe(true);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await loadTokenKey(file)).secret.equals(first?.secret ?? (await loadTokenKey(file)).secret)).toBe(true);
  });

  it("is refused when it is not a key", async () => {
    const file = join(await temporaryFolder(), "token.key");
    const secret = Buffer.alloc(32, 1).toString("base64url");
    const endsAt = now.toISOString();
    const lists = [
      [],
      [{ secret, endsAt }],
      [{ secret }, { secret }],
      [{ secret }, { secret, endsAt: "never" }],
      [{ secret: "AQEB" }],
      [{ secret: Buffer.alloc(32).toString("base64url") }],
      [{}],
    ].map((keys) => JSON.stringify({ keys }));
    const odd = ["", "short", "null", "[]", Buffer.alloc(31, 1), Buffer.alloc(33, 1), Buffer.alloc(32)];
    for (const content of [...odd, ...lists, '{"keys":[null]}']) {
      await writeFile(file, content);
      await expect(loadTokenKey(file)).rejects.toThrow("is not a token key");
    }
    await writeFile(file, Buffer.alloc(32, 1));
    await expect(loadTokenKey(file)).resolves.toBeDefined();
  });
});
