import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import {
  findTokenKeys,
  followTokenKeys,
  loadTokenKey,
  loadTokenKeys,
  rotated,
  tokenKey,
} from "../../oci/token/index.ts";
import { withFault } from "../support/faulty-files.ts";
import { testWriter } from "../support/write-faults.ts";
import { filesIn, temporaryFolder } from "./support.ts";

vi.mock("node:fs/promises", async (original) => {
  const { faulty } = await import("../support/faulty-files.ts");
  return faulty(await original());
});

const now = new Date("2026-03-01T12:00:00Z");
const later = (seconds: number) => new Date(now.getTime() + seconds * 1000);

describe("the registry's signing key", () => {
  testWriter({
    name: "the registry's signing key",
    file: "data/token.key",
    mode: 0o600,
    write: loadTokenKey,
    isNew: (content) => content.byteLength === 32,
  });

  it("is read, and nothing is written, once it is there", async () => {
    const file = join(await temporaryFolder(), "token.key");
    await loadTokenKey(file);
    const { calls, error } = await withFault(undefined, () => loadTokenKey(file));
    expect([calls.map(({ name }) => name), error]).toEqual([["readFile"], undefined]);
  });

  it("is not made by whoever only looks for it", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "token.key");
    expect(await findTokenKeys(file)).toBeUndefined();
    expect(await filesIn(folder)).toEqual([]);
    const { id } = await loadTokenKey(file);
    expect(await findTokenKeys(file)).toEqual([expect.objectContaining({ id })]);
  });

  it("that cannot get its name is not made, and whoever asked gets the system's error", async () => {
    const [first, second] = [await temporaryFolder(), await temporaryFolder()];
    const { calls } = await withFault(undefined, () => loadTokenKey(join(first, "token.key")));
    const at = calls.findIndex(({ name }) => name === "link");
    const { error } = await withFault({ at, kind: "fails" }, () => loadTokenKey(join(second, "token.key")));
    expect(error).toMatchObject({ code: "EIO" });
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

  it("is refused when it has not 32 bytes, which are one key", () => {
    for (const length of [0, 31, 33, 64]) {
      expect(() => tokenKey(Buffer.alloc(length, 1))).toThrow("32 bytes");
    }
    expect(tokenKey(Buffer.alloc(32, 1)).id).toBe(tokenKey(Buffer.alloc(32, 1)).id);
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
