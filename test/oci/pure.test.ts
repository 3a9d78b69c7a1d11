import { describe, expect, it } from "vitest";
import { parseRange } from "../../oci/registry/api/blobs.ts";
import { parseManifest } from "../../oci/registry/api/manifest-content.ts";
import { parseContentRange } from "../../oci/registry/api/uploads.ts";
import { Budget } from "../../oci/registry/bodies.ts";
import { parseRoute } from "../../oci/registry/route.ts";
import { KeyedLock } from "../../oci/registry/store/keyed-lock.ts";
import { parseDigest, parseRepositoryName, parseTag } from "../../oci/registry/store/names.ts";
import { makeImage, ociIndex, ociManifest, sha256 } from "./support.ts";

describe("names", () => {
  it.each(["a", "a/b", "a.b", "a_b", "a__b", "a-b", "a---b", "0/1/2", "a".repeat(255)])(
    "%s is a repository",
    (name) => {
      expect(parseRepositoryName(name)).toBe(name);
    },
  );
  it.each([
    "",
    "/",
    "a/",
    "/a",
    "a//b",
    "A",
    "a..b",
    "..",
    "../a",
    "a/../b",
    "_",
    "a/_",
    "_a",
    "a_",
    "a___b",
    "-a",
    ".a",
    "a b",
    "a\0",
    "a%2f",
    "é",
    "a".repeat(256),
  ])("%j is none", (name) => {
    expect(parseRepositoryName(name)).toBeUndefined();
  });
  it.each(["latest", "1.0", "_", "A-b_c.d", "a".repeat(128)])("%s is a tag", (tag) => expect(parseTag(tag)).toBe(tag));
  it.each(["", ".", "..", "-a", "a/b", "a b", "a:b", "a".repeat(129)])("%j is no tag", (tag) => {
    expect(parseTag(tag)).toBeUndefined();
  });
  it("takes digests of a known algorithm and its exact length", () => {
    expect(parseDigest(sha256("x"))).toMatchObject({ algorithm: "sha256" });
    expect(parseDigest(`sha512:${"0".repeat(128)}`)).toMatchObject({ algorithm: "sha512" });
    for (const bad of [
      "",
      "sha256:",
      "sha256",
      sha256("x").toUpperCase(),
      `${sha256("x")}0`,
      `md5:${"0".repeat(32)}`,
      `sha512:${"0".repeat(64)}`,
      `sha256:${"g".repeat(64)}`,
      `sha256:../${"0".repeat(61)}`,
    ]) {
      expect(parseDigest(bad), bad).toBeUndefined();
    }
  });
});

describe("routes", () => {
  it.each([
    ["/v2/", { kind: "base" }],
    ["/v2", { kind: "base" }],
    ["/v2/_catalog", { kind: "catalog" }],
    ["/token", { kind: "token" }],
    ["/v2/a/manifests/latest", { kind: "manifest", name: "a", tail: "latest" }],
    ["/v2/manifests/manifests/latest", { kind: "manifest", name: "manifests", tail: "latest" }],
    ["/v2/blobs/uploads/blobs/uploads/", { kind: "uploads", name: "blobs/uploads", tail: "" }],
    ["/v2/a/blobs/uploads", { kind: "uploads", name: "a", tail: "" }],
    ["/v2/a/b/blobs/uploads/id", { kind: "upload", name: "a/b", tail: "id" }],
    ["/v2/a/b/blobs/sha256:1", { kind: "blob", name: "a/b", tail: "sha256:1" }],
    ["/v2/a/tags/list", { kind: "tags", name: "a", tail: "" }],
    ["/v2/a/referrers/sha256:1", { kind: "referrers", name: "a", tail: "sha256:1" }],
    ["/v2/a/_alien/repository", { kind: "repository", name: "a", tail: "" }],
    ["/v2/manifests/latest", undefined],
    ["/v2/a", undefined],
    ["/", undefined],
  ])("%s", (path, route) => {
    expect(parseRoute(path)).toEqual(route);
  });
});

describe("ranges", () => {
  it.each([
    ["bytes=0-0", { start: 0, end: 0 }],
    ["bytes=2-", { start: 2, end: 9 }],
    ["bytes=2-100", { start: 2, end: 9 }],
    ["bytes=-3", { start: 7, end: 9 }],
    ["bytes=-30", { start: 0, end: 9 }],
    ["bytes=10-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=5-2", "unsatisfiable"],
    ["bytes=0-1,3-4", undefined],
    ["items=0-1", undefined],
    [undefined, undefined],
  ])("%s of ten bytes", (header, range) => {
    expect(parseRange(header, 10)).toEqual(range);
  });
  it("of chunks are <start>-<end>", () => {
    expect(parseContentRange("0-9")).toEqual({ start: 0, end: 9 });
    expect(parseContentRange("bytes 5-9/*")).toEqual({ start: 5, end: 9 });
    expect(parseContentRange("9-5")).toBeUndefined();
    expect(parseContentRange("x")).toBeUndefined();
  });
});

describe("a manifest's content", () => {
  const parse = (value: unknown, type: string | undefined = ociManifest) =>
    parseManifest(Buffer.from(JSON.stringify(value)), type);
  const image = JSON.parse(makeImage().manifest) as Record<string, unknown>;
  const code = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      return (error as { code: string }).code;
    }
    return "accepted";
  };

  it("names its blobs once each, and leaves out those that are elsewhere", () => {
    const digest = sha256("layer");
    const foreign = {
      mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
      urls: ["https://e.test"],
    };
    const { blobs } = parse({
      ...image,
      layers: [
        { digest },
        { digest },
        { ...foreign, digest: sha256("foreign") },
        { ...foreign, urls: [], digest: sha256("not") },
      ],
    });
    expect(blobs.map((blob) => blob.digest.text)).toHaveLength(3);
    expect(blobs.map((blob) => blob.digest.text)).not.toContain(sha256("foreign"));
  });

  it("takes its type from where it is said, and refuses two answers", () => {
    const { mediaType: _, ...bare } = image;
    expect(parse(bare).mediaType).toBe(ociManifest);
    expect(parse(image, "").mediaType).toBe(ociManifest);
    expect(parse(image, `${ociManifest}; charset=utf-8`).mediaType).toBe(ociManifest);
    expect(code(() => parse(image, ociIndex))).toBe("MANIFEST_INVALID");
    expect(code(() => parse(bare, ""))).toBe("MANIFEST_INVALID");
    expect(code(() => parse(bare, "text/plain"))).toBe("MANIFEST_INVALID");
  });

  it.each([
    ["a list", []],
    ["null", null],
    ["text", "manifest"],
    ["no config", { layers: [] }],
    ["a config without a digest", { ...image, config: {} }],
    ["layers that are no list", { ...image, layers: {} }],
    ["a layer that is no object", { ...image, layers: [1] }],
    ["a digest that is a path", { ...image, layers: [{ digest: "sha256:../../../../etc/passwd" }] }],
    ["a subject without a digest", { ...image, subject: {} }],
    ["an image that is an index too", { ...image, manifests: [] }],
    ["annotations that are no strings", { ...image, annotations: { a: 1 } }],
  ])("is refused: %s", (_, value) => {
    expect(code(() => parse(value))).toBe("MANIFEST_INVALID");
  });

  it("may write nothing as null, as Go programs do", () => {
    expect(parse({ ...image, layers: null, subject: null, annotations: null }).blobs).toHaveLength(1);
    expect(parse({ schemaVersion: 2, manifests: null }, ociIndex).blobs).toEqual([]);
  });

  it("has an artifact type of its own, or else its config's", () => {
    expect(parse({ ...image, artifactType: "a/b" }).artifactType).toBe("a/b");
    expect(parse(image).artifactType).toBe("application/vnd.oci.image.config.v1+json");
    expect(parse({ ...image, artifactType: "" }).artifactType).toBe("application/vnd.oci.image.config.v1+json");
    expect(parse({ schemaVersion: 2, manifests: [] }, ociIndex).artifactType).toBeUndefined();
  });
});

describe("the lock per key", () => {
  it("lets readers in together, writers alone, in the order in which they came", async () => {
    const lock = new KeyedLock();
    const log: string[] = [];
    const work = (name: string) => async () => {
      log.push(`+${name}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      log.push(`-${name}`);
    };
    await Promise.all([
      lock.shared("k", work("r1")),
      lock.shared("k", work("r2")),
      lock.exclusive("k", work("w")),
      lock.shared("k", work("r3")),
      lock.exclusive("other", work("o")),
    ]);
    const of = (names: string[]) => log.filter((line) => names.includes(line.slice(1)));
    expect(of(["r1", "r2", "w", "r3"])).toEqual(["+r1", "+r2", "-r1", "-r2", "+w", "-w", "+r3", "-r3"]);
    expect(log.indexOf("+o")).toBeLessThan(log.indexOf("+w"));
  });

  it("goes on after work that failed", async () => {
    const lock = new KeyedLock();
    await expect(lock.exclusive("k", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    await expect(lock.exclusive("k", () => Promise.resolve(1))).resolves.toBe(1);
  });
});

describe("the memory for buffers", () => {
  it("stays near its bound however many share it, and comes back whole", () => {
    const budget = new Budget(64 * 1024 * 1024);
    const taken = Array.from({ length: 400 }, () => budget.take(1024 * 1024));
    expect(taken[0]).toBe(1024 * 1024);
    expect(taken.reduce((sum, size) => sum + size, 0)).toBeLessThan(72 * 1024 * 1024);
    for (const size of taken) budget.give(size);
    expect(budget.take(1024 * 1024)).toBe(1024 * 1024);
  });
});
