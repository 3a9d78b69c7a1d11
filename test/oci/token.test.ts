import { createHmac } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadTokenKey, mintToken, type TokenError, verifyToken } from "../../oci/token/index.ts";
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
    for (const content of ["", "short", Buffer.alloc(31, 1), Buffer.alloc(33, 1), Buffer.alloc(32)]) {
      await writeFile(file, content);
      await expect(loadTokenKey(file)).rejects.toThrow("is not a token key");
    }
    await writeFile(file, Buffer.alloc(32, 1));
    await expect(loadTokenKey(file)).resolves.toBeDefined();
  });
});
