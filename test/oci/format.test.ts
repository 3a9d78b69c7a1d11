import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openRegistry } from "../../oci/registry/index.ts";
import { fileOfTag, parseTag, tagOfFile } from "../../oci/registry/store/names.ts";
import { filesIn, json, pushImage, startRegistry } from "./support.ts";

const scope = "repository:a:pull,push,delete repository:b/c:pull,push,delete";

describe("the file of a tag", () => {
  const tags = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/).filter((text) => parseTag(text) !== undefined);
  const fileOf = (text: string) => {
    const tag = parseTag(text);
    if (tag === undefined) throw new Error(`${text} is no tag`);
    return fileOfTag(tag);
  };

  it("leads back to the tag, and is no other's where case is ignored", () => {
    fc.assert(
      fc.property(tags, tags, (one, other) => {
        expect(tagOfFile(fileOf(one))).toBe(one);
        expect(fileOf(one)).toBe(fileOf(one).toLowerCase());
        expect(fileOf(one) === fileOf(other)).toBe(one === other);
        expect(fileOf(one).length).toBeLessThan(200);
      }),
    );
  });

  it("is the tag itself where that has no capital letter", () => {
    expect(["latest", "1.0", "v1_2-rc.3"].map(fileOf)).toEqual(["latest", "1.0", "v1_2-rc.3"]);
    expect(["RC1", "rC1", "rc1"].map(fileOf)).toEqual(["rc1=3", "rc1=2", "rc1"]);
    expect(fileOf("A".repeat(128))).toBe(`${"a".repeat(128)}=${"f".repeat(32)}`);
  });

  it("is none that Windows would take for a device, or cut", () => {
    for (const text of ["con", "NUL", "aux.txt", "com1", "v1."]) {
      expect(fileOf(text)).toMatch(/=[0-9a-f]+$/);
      expect(tagOfFile(fileOf(text))).toBe(text);
    }
  });

  it("is nobody's where it was not written so", () => {
    for (const file of ["RC1", "rc1=0", "rc1=9", "rc1=03", "rc1=", "=1", "rc1=3=3", "a b", ".hidden"]) {
      expect([file, tagOfFile(file)]).toEqual([file, undefined]);
    }
  });
});

it("tags that differ in case alone are two, also where the disk ignores case", async () => {
  const client = await startRegistry();
  const send = client.as(scope);
  const [upper, lower] = [await pushImage(send, "a", "RC1"), await pushImage(send, "a", "rc1")];
  const files = await filesIn(join(client.dataDir, "repositories/a/_/tags"));
  expect(new Set(files.map((file) => file.toLowerCase())).size).toBe(2);
  expect(json(await send("GET", "/v2/a/tags/list")).tags).toEqual(["RC1", "rc1"]);
  expect((await send("DELETE", "/v2/a/manifests/rc1")).status).toBe(202);
  expect((await send("GET", "/v2/a/manifests/RC1")).body.toString()).toBe(upper.manifest);
  expect((await send("GET", `/v2/a/manifests/${lower.digest}`)).status).toBe(200);
});

describe("a folder", () => {
  /** A folder as the versions before 0.2 wrote it: tags are file names, sizes were not noted, and no file tells the format. */
  async function ofToday() {
    const client = await startRegistry();
    const send = client.as(scope);
    const images = {
      RC1: await pushImage(send, "a", "RC1"),
      latest: await pushImage(send, "a", "latest"),
      "V1.": await pushImage(send, "b/c", "V1."),
    };
    await client.running.close();
    for (const [name, tag] of [
      ["a", "RC1"],
      ["b/c", "V1."],
    ] as const) {
      const folder = join(client.dataDir, "repositories", name, "_/tags");
      const parsed = parseTag(tag);
      if (parsed !== undefined) await rename(join(folder, fileOfTag(parsed)), join(folder, tag));
    }
    await rm(join(client.dataDir, "format"));
    await rm(join(client.dataDir, "sizes"), { recursive: true });
    return { dataDir: client.dataDir, images };
  }

  it("of an earlier version is upgraded, and nothing is lost, wherever a start was killed", async () => {
    for (const killed of [false, true]) {
      const { dataDir, images } = await ofToday();
      if (killed) {
        // One tag was renamed, and the format was not told yet.
        const tags = join(dataDir, "repositories/a/_/tags");
        await rename(join(tags, "RC1"), join(tags, "rc1=3"));
      }
      const client = await startRegistry({ dataDir });
      const send = client.as(scope);
      for (const [path, image] of [
        ["a/manifests/RC1", images.RC1],
        ["a/manifests/latest", images.latest],
        ["b/c/manifests/V1.", images["V1."]],
      ] as const) {
        expect((await send("GET", `/v2/${path}`)).body.toString()).toBe(image.manifest);
      }
      expect(json(await send("GET", "/v2/a/tags/list")).tags).toEqual(["RC1", "latest"]);
      expect(await readFile(join(dataDir, "format"), "utf8")).toBe("2\n");
      await client.running.close();
    }
  });

  it.each(["3\n", "", "two\n", "1.5\n"])(
    "of a format that this version does not know is left alone: %j",
    async (format) => {
      const { dataDir } = await ofToday();
      await writeFile(join(dataDir, "format"), format);
      await mkdir(join(dataDir, "uploads"), { recursive: true });
      await writeFile(join(dataDir, "uploads/something"), "");
      const before = await filesIn(dataDir);
      const options = { dataDir, key: (await startRegistry()).key };
      await expect(openRegistry(options)).rejects.toMatchObject({
        code: "FORMAT",
        message: expect.stringContaining("format"),
      });
      expect(await filesIn(dataDir)).toEqual(before);
    },
  );

  it("that is new has the format", async () => {
    const client = await startRegistry();
    expect(await readFile(join(client.dataDir, "format"), "utf8")).toBe("2\n");
  });
});
