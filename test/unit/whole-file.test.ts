import { once } from "node:events";
import { chown, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { removeLeftovers, writeWholeFile } from "../../core/whole-file.ts";

// What goes wrong at which call is in write-faults.e2e.ts.
let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "whole-file-"));
  file = join(folder, "f");
  return () => rm(folder, { recursive: true, force: true });
});

it("writes text and bytes, also none", async () => {
  for (const content of ["ä\n", "", Buffer.from([0, 255]), new Uint8Array(3_000_000).fill(7)]) {
    await writeWholeFile(file, content);
    expect((await readFile(file)).equals(Buffer.from(content as string))).toBe(true);
  }
  expect(await readdir(folder)).toEqual(["f"]);
});

it("writers at the same time end with the content of one of them", async () => {
  const contents = Array.from({ length: 20 }, (_, i) => `${i}\n`.repeat(1_000));
  await Promise.all(contents.map((content) => writeWholeFile(file, content)));
  expect(contents).toContain(await readFile(file, "utf8"));
  expect(await readdir(folder)).toEqual(["f"]);
});

it("asks right before the file is replaced, and a no leaves everything as it was", async () => {
  await writeFile(file, "old");
  const no = new Error("no");
  const beforeRename = async () => {
    expect(await readFile(file, "utf8")).toBe("old");
    throw no;
  };
  await expect(writeWholeFile(file, "new", { beforeRename })).rejects.toBe(no);
  expect([await readFile(file, "utf8"), await readdir(folder)]).toEqual(["old", ["f"]]);
});

it("keeps owner and group, where it may", async () => {
  // Only root can give a file away; others see that it stays theirs.
  const root = process.getuid?.() === 0;
  await writeFile(file, "old");
  if (root) await chown(file, 65_534, 65_533);
  const { uid, gid } = await stat(file);
  await writeWholeFile(file, "new");
  expect(await stat(file)).toMatchObject({ uid, gid });
});

// As /dev/null is none, which root could replace. A socket is what everybody can make.
it.each(["itself", "a link to it"])("leaves alone what is no file: %s", async (way) => {
  const server = createServer().listen(join(folder, "socket"));
  await once(server, "listening");
  onTestFinished(() => void server.close());
  await symlink("socket", file);
  const path = way === "itself" ? join(folder, "socket") : file;
  await expect(writeWholeFile(path, "new")).rejects.toThrow("is not a regular file");
  expect([(await stat(path)).isSocket(), await readdir(folder)]).toEqual([true, ["f", "socket"]]);
});

it("tells the system's reason", async () => {
  await writeFile(file, "old");
  await expect(writeWholeFile(join(file, "below"), "new")).rejects.toMatchObject({ code: "ENOTDIR" });
  await expect(writeWholeFile(join(folder, "absent/f"), "new")).rejects.toMatchObject({ code: "ENOENT" });
  expect([await readFile(file, "utf8"), await readdir(folder)]).toEqual(["old", ["f"]]);
});

it("removes what a killed writer of this file has left, and nothing else", async () => {
  const id = "0b6c6a5e-54f4-4d7b-9f0c-3a1f6f1d2c3b";
  const others = ["f", "f.tmp", `f.${id}`, `g.${id}.tmp`, `f.x.${id}.tmp`, `f.${id}.tmp.x`].sort();
  for (const name of [...others, `f.${id}.tmp`]) await writeFile(join(folder, name), "");
  await mkdir(join(folder, "below"));
  await writeFile(join(folder, `below/f.${id}.tmp`), "");
  await removeLeftovers(file);
  expect((await readdir(folder)).sort()).toEqual(["below", ...others].sort());
  expect(await readdir(join(folder, "below"))).toEqual([`f.${id}.tmp`]);
});
