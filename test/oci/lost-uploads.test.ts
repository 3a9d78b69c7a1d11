import { randomBytes } from "node:crypto";
import { copyFile, mkdir, readFile, rename, rm, stat, truncate, unlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { type Answer, type Client, filesIn, pushBlob, type Send, sha256, sha512, startRegistry } from "./support.ts";

/** What happens to an upload's file behind the registry's back. `folder` is where all of them lie. */
type Harm = (file: string, folder: string) => Promise<void>;

const NAME = "/v2/a";
const later = new Date(Date.now() + 60_000);

/** Rewrites the file in place and leaves it as long as it was, under a later time as any later write would. */
async function overwrite(file: string, change: (bytes: Buffer) => void): Promise<void> {
  const bytes = await readFile(file);
  change(bytes);
  await writeFile(file, bytes, { flag: "r+" });
  await utimes(file, later, later);
}

async function replace(file: string, content: (length: number) => Buffer): Promise<void> {
  await writeFile(`${file}.new`, content((await stat(file)).size));
  await rename(`${file}.new`, file);
}

const harms: Readonly<Record<string, Harm>> = {
  "is removed": (file) => unlink(file),
  "is removed with its folder": (_, folder) => rm(folder, { recursive: true }),
  "is cleared away as a second server does": async (_, folder) => {
    await rm(folder, { recursive: true });
    await mkdir(folder);
  },
  "is emptied": (file) => truncate(file, 0),
  "loses its last byte": async (file) => truncate(file, (await stat(file)).size - 1),
  "gets one byte more": async (file) => truncate(file, (await stat(file)).size + 1),
  "is emptied and filled with zeros": async (file) => {
    const { size } = await stat(file);
    await truncate(file, 0);
    await truncate(file, size);
    await utimes(file, later, later);
  },
  "is overwritten with zeros": (file) => overwrite(file, (bytes) => bytes.fill(0)),
  "has one bit changed": (file) => overwrite(file, (bytes) => bytes.writeUInt8(bytes.readUInt8(50_000) ^ 1, 50_000)),
  "is replaced by zeros": (file) => replace(file, (length) => Buffer.alloc(length)),
  "is replaced by other bytes": (file) => replace(file, randomBytes),
  "is replaced by a folder": async (file) => {
    await unlink(file);
    await mkdir(file);
  },
};

/** What looks like harm and leaves every byte where it was. */
const noHarms: Readonly<Record<string, Harm>> = {
  "is left alone": async () => undefined,
  "is touched": (file) => utimes(file, later, later),
  "is replaced by a copy": async (file) => {
    await copyFile(file, `${file}.new`);
    await rename(`${file}.new`, file);
  },
};

async function start(): Promise<{ client: Client; send: Send; folder: string }> {
  const client = await startRegistry();
  return { client, send: client.as("repository:a:pull,push,delete"), folder: join(client.dataDir, "uploads") };
}

async function begin(send: Send): Promise<string> {
  return (await send("POST", `${NAME}/blobs/uploads/`)).headers.location ?? "";
}

const theFile = (upload: string, folder: string) => join(folder, upload.split("/").at(-1) ?? "");

/** The two that clear the folder away leave none to write to, until the registry is started again. */
async function expectLost(answer: Answer, send: Send, folder: string, digest: string, bytes: Buffer): Promise<void> {
  expect([answer.status, answer.code]).toEqual([404, "BLOB_UPLOAD_UNKNOWN"]);
  expect((await send("GET", `${NAME}/blobs/${digest}`)).status).toBe(404);
  expect(await filesIn(folder)).toEqual([]);
  await mkdir(folder, { recursive: true });
  expect((await pushBlob(send, "a", bytes, digest)).status).toBe(201);
  expect((await send("GET", `${NAME}/blobs/${digest}`)).body.equals(bytes)).toBe(true);
}

const bytes = randomBytes(100_000);
const digests: readonly (readonly [string, (content: Buffer) => string])[] = [
  ["sha256", sha256],
  ["sha512", sha512],
];

describe.each(Object.entries(harms))("an upload whose file %s between two requests", (_, harm) => {
  it.each(digests)("is not committed under %s", async (_, digestOf) => {
    const { send, folder } = await start();
    const upload = await begin(send);
    expect((await send("PATCH", upload, { body: bytes })).status).toBe(202);
    await harm(theFile(upload, folder), folder);
    const put = await send("PUT", `${upload}?digest=${digestOf(bytes)}`);
    await expectLost(put, send, folder, digestOf(bytes), bytes);
    expect((await send("GET", upload)).code).toBe("BLOB_UPLOAD_UNKNOWN");
  });

  it("takes no further chunk", async () => {
    const { send, folder } = await start();
    const upload = await begin(send);
    expect((await send("PATCH", upload, { body: bytes })).status).toBe(202);
    await harm(theFile(upload, folder), folder);
    const more = randomBytes(1_000);
    expect((await send("PATCH", upload, { body: more })).code).toBe("BLOB_UPLOAD_UNKNOWN");
    const whole = Buffer.concat([bytes, more]);
    await expectLost(await send("PUT", `${upload}?digest=${sha256(whole)}`), send, folder, sha256(whole), whole);
  });

  it("is not committed with its last chunk, nor said to be there", async () => {
    const { send, folder } = await start();
    for (const last of ["GET", "PUT"]) {
      const upload = await begin(send);
      expect((await send("PATCH", upload, { body: bytes })).status).toBe(202);
      await harm(theFile(upload, folder), folder);
      const more = randomBytes(1_000);
      const whole = Buffer.concat([bytes, more]);
      const answer =
        last === "GET"
          ? await send("GET", upload)
          : await send("PUT", `${upload}?digest=${sha256(whole)}`, { body: more });
      await expectLost(answer, send, folder, sha256(whole), whole);
    }
  });
});

describe.each(Object.entries(noHarms))("an upload whose file %s between two requests", (_, noHarm) => {
  it.each(digests)("is committed under %s", async (_, digestOf) => {
    const { send, folder } = await start();
    const upload = await begin(send);
    const [first, second, third] = [bytes.subarray(0, 50_000), bytes.subarray(50_000, 99_000), bytes.subarray(99_000)];
    for (const part of [first, second]) {
      expect((await send("PATCH", upload, { body: part })).status).toBe(202);
      await noHarm(theFile(upload, folder), folder);
      expect((await send("GET", upload)).status).toBe(204);
    }
    expect((await send("PUT", `${upload}?digest=${digestOf(bytes)}`, { body: third })).status).toBe(201);
    expect((await send("GET", `${NAME}/blobs/${digestOf(bytes)}`)).body.equals(bytes)).toBe(true);
  });
});

// What is written in the middle of a request by somebody else, into the very bytes that are arriving, is not seen here.
const harmsMeanwhile = ["is removed", "is cleared away as a second server does", "is emptied", "loses its last byte"];

describe.each(harmsMeanwhile)("an upload whose file %s while bytes arrive", (name) => {
  const half = randomBytes(4 * 1024 * 1024);
  const whole = Buffer.concat([half, randomBytes(4 * 1024 * 1024)]);
  const requests: Readonly<Record<string, (send: Send, body: PassThrough) => Promise<Answer>>> = {
    POST: (send, body) => send("POST", `${NAME}/blobs/uploads/?digest=${sha256(whole)}`, sized(body)),
    PUT: async (send, body) => send("PUT", `${await begin(send)}?digest=${sha256(whole)}`, sized(body)),
    PATCH: async (send, body) => send("PATCH", await begin(send), sized(body)),
  };
  const sized = (body: PassThrough) => ({ headers: { "Content-Length": whole.length }, body });

  it.each(Object.entries(requests))("is not acknowledged: %s", async (_, request) => {
    const { send, folder } = await start();
    const body = new PassThrough();
    const answer = request(send, body);
    body.write(half);
    const there = async () => {
      const [file = ""] = await filesIn(folder);
      return file === "" ? 0 : (await stat(join(folder, file))).size;
    };
    await expect.poll(there).toBeGreaterThanOrEqual(1024 * 1024);
    const [file = ""] = await filesIn(folder);
    await harms[name]?.(join(folder, file), folder);
    body.end(whole.subarray(half.length));
    await expectLost(await answer, send, folder, sha256(whole), whole);
  });
});
