import { randomBytes } from "node:crypto";
import { readdir, readlink, stat } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  filesIn,
  json,
  makeImage,
  ociIndex,
  pushBlob,
  pushImage,
  putManifest,
  sha256,
  sha512,
  startRegistry,
} from "./support.ts";

const ALL = "repository:team/app:pull,push,delete";
const NAME = "/v2/team/app";

async function start() {
  const client = await startRegistry();
  return { client, send: client.as(ALL), uploads: () => filesIn(`${client.dataDir}/uploads`) };
}

describe("a blob comes in", () => {
  const bytes = randomBytes(3_000_000);
  const thirds = [
    bytes.subarray(0, 1_000_000),
    bytes.subarray(1_000_000, 2_000_000),
    bytes.subarray(2_000_000),
  ] as const;

  it.each([
    ["sha256", sha256(bytes)],
    ["sha512", sha512(bytes)],
  ])("by POST and PUT, POST alone, and chunks, under %s", async (_, digest) => {
    const { send, uploads } = await start();
    const location = async () => (await send("POST", `${NAME}/blobs/uploads/`)).headers.location ?? "";
    const ways = [
      async () => send("PUT", `${await location()}?digest=${digest}`, { body: bytes }),
      async () => send("POST", `${NAME}/blobs/uploads/?digest=${digest}`, { body: bytes }),
      async () => {
        const upload = await location();
        for (const third of thirds) expect((await send("PATCH", upload, { body: third })).status).toBe(202);
        return send("PUT", `${upload}?digest=${digest}`);
      },
      async () => {
        const upload = await location();
        expect(
          (await send("PATCH", upload, { body: thirds[0], headers: { "Content-Range": "0-999999" } })).status,
        ).toBe(202);
        const second = await send("PATCH", upload, {
          body: thirds[1],
          headers: { "Content-Range": "1000000-1999999" },
        });
        expect(second.headers.range).toBe("0-1999999");
        const last = { body: thirds[2], headers: { "Content-Range": "2000000-2999999" } };
        return send("PUT", `${upload}?digest=${encodeURIComponent(digest)}`, last);
      },
    ];
    for (const way of ways) {
      const put = await way();
      expect(put.status).toBe(201);
      expect(put.headers["docker-content-digest"]).toBe(digest);
      expect((await send("GET", put.headers.location ?? "")).body.equals(bytes)).toBe(true);
      expect((await send("DELETE", `${NAME}/blobs/${digest}`)).status).toBe(202);
    }
    expect(await uploads()).toEqual([]);
  });

  it("empty, too", async () => {
    const { send } = await start();
    const upload = (await send("POST", `${NAME}/blobs/uploads/`)).headers.location;
    expect((await send("PUT", `${upload}?digest=${sha256("")}`)).status).toBe(201);
    const got = await send("GET", `${NAME}/blobs/${sha256("")}`);
    expect([got.status, got.body.length]).toEqual([200, 0]);
  });

  it("in order only, and says how far it has come", async () => {
    const { send } = await start();
    const upload = (await send("POST", `${NAME}/blobs/uploads/`)).headers.location ?? "";
    const chunk = (range: string, body: string) => send("PATCH", upload, { body, headers: { "Content-Range": range } });
    expect((await chunk("0-3", "abcd")).status).toBe(202);
    for (const range of ["0-3", "5-8"]) {
      const refused = await chunk(range, "efgh");
      expect([refused.status, refused.headers.range, refused.headers.location]).toEqual([416, "0-3", upload]);
    }
    expect((await chunk("4-7", "too long for it")).code).toBe("SIZE_INVALID");
    expect((await chunk("nonsense", "efgh")).status).toBe(400);
    const status = await send("GET", upload);
    expect([status.status, status.headers.range, status.headers.location]).toEqual([204, "0-3", upload]);
    expect((await send("PUT", `${upload}?digest=${sha256("abcdef")}`, { body: "ef" })).status).toBe(201);
    expect((await send("GET", upload)).code).toBe("BLOB_UPLOAD_UNKNOWN");
  });

  it("not at all when its digest is another, and leaves nothing", async () => {
    const { client, send } = await start();
    const upload = (await send("POST", `${NAME}/blobs/uploads/`)).headers.location ?? "";
    expect((await send("PUT", upload, { body: bytes })).code).toBe("DIGEST_INVALID");
    expect((await send("PUT", `${upload}?digest=${sha256("other")}`, { body: bytes })).code).toBe("DIGEST_INVALID");
    expect((await pushBlob(send, "team/app", bytes, sha512("other"))).code).toBe("DIGEST_INVALID");
    expect((await pushBlob(send, "team/app", bytes, "sha256:xyz")).code).toBe("DIGEST_INVALID");
    expect((await send("HEAD", `${NAME}/blobs/${sha256("other")}`)).status).toBe(404);
    expect(await filesIn(client.dataDir)).toEqual(["format", "lock", "lock.db", "token.key"]);
  });

  it("until it is given up, or its session belongs to another repository", async () => {
    const { client, send, uploads } = await start();
    const upload = (await send("POST", `${NAME}/blobs/uploads/`)).headers.location ?? "";
    await send("PATCH", upload, { body: "half" });
    expect(await uploads()).toHaveLength(1);
    const elsewhere = upload.replace("team/app", "team/other");
    const other = client.as("repository:team/other:pull,push");
    expect((await other("PUT", `${elsewhere}?digest=${sha256("half")}`)).code).toBe("BLOB_UPLOAD_UNKNOWN");
    expect((await send("DELETE", upload)).status).toBe(204);
    expect((await send("PATCH", upload, { body: "more" })).code).toBe("BLOB_UPLOAD_UNKNOWN");
    expect(await uploads()).toEqual([]);
  });

  it("goes on after a client that went away in the middle of a chunk", async () => {
    const { client, send } = await start();
    const upload = (await send("POST", `${NAME}/blobs/uploads/`)).headers.location ?? "";
    const socket = createConnection(Number(new URL(client.url).port), "127.0.0.1");
    const bearer = client.token(ALL);
    const bytes = randomBytes(3_000_000);
    const head = `PATCH ${upload} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${bearer}\r\n`;
    socket.write(`${head}Content-Length: ${bytes.length}\r\n\r\n`);
    socket.write(bytes.subarray(0, 2_000_000));
    const folder = join(client.dataDir, "uploads");
    const written = async () => {
      const files = await readdir(folder);
      return Math.max(0, ...(await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size))));
    };
    await expect.poll(written).toBeGreaterThan(0);
    socket.destroy();
    // What had come by then is kept. The registry notices that the client has gone, and then takes the rest.
    const finish = async () => {
      const { range = "0-0" } = (await send("GET", upload)).headers;
      const from = Number(range.split("-")[1]) + 1;
      if (from === 1) return "nothing has come yet";
      const rest = { body: bytes.subarray(from), headers: { "Content-Range": `${from}-${bytes.length - 1}` } };
      return (await send("PUT", `${upload}?digest=${sha256(bytes)}`, rest)).status;
    };
    await expect.poll(finish).toBe(201);
    expect((await send("GET", `${NAME}/blobs/${sha256(bytes)}`)).body.equals(bytes)).toBe(true);
  });
});

describe("a blob goes out", () => {
  it("whole, in parts, and with the same headers by HEAD", async () => {
    const { send } = await start();
    const bytes = randomBytes(2_500_000);
    await pushBlob(send, "team/app", bytes);
    const path = `${NAME}/blobs/${sha256(bytes)}`;
    const get = await send("GET", path);
    expect(get.body.equals(bytes)).toBe(true);
    const head = await send("HEAD", path);
    const plain = ({ date: _, ...rest }: Record<string, unknown>) => rest;
    expect(plain(head.headers)).toEqual(plain(get.headers));
    expect(head.headers["content-length"]).toBe("2500000");

    const part = async (range: string) => send("GET", path, { headers: { Range: range } });
    for (const [range, from, to] of [
      ["bytes=0-0", 0, 1],
      ["bytes=1048570-2100000", 1_048_570, 2_100_001],
      ["bytes=2499999-", 2_499_999, 2_500_000],
      ["bytes=-10", 2_499_990, 2_500_000],
    ] as const) {
      const answer = await part(range);
      expect(answer.status).toBe(206);
      expect(answer.headers["content-range"]).toBe(`bytes ${from}-${to - 1}/2500000`);
      expect(answer.body.equals(bytes.subarray(from, to))).toBe(true);
    }
    const outside = await part("bytes=2500000-");
    expect([outside.status, outside.headers["content-range"]]).toEqual([416, "bytes */2500000"]);
    expect((await part("bytes=0-1,5-6")).status).toBe(200);
  });

  it.skipIf(process.platform !== "linux")("and its file is closed when the client goes away", async () => {
    const { client, send } = await start();
    const bytes = randomBytes(30_000_000);
    await pushBlob(send, "team/app", bytes);
    const openFiles = async () => {
      const links = (await readdir("/proc/self/fd")).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ""));
      return (await Promise.all(links)).filter((file) => file.startsWith(join(client.dataDir, "repositories"))).length;
    };
    const request = `GET ${NAME}/blobs/${sha256(bytes)} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${client.token(ALL)}\r\n\r\n`;
    const sockets = Array.from({ length: 5 }, () => createConnection(Number(new URL(client.url).port), "127.0.0.1"));
    for (const socket of sockets) {
      socket.write(request);
      socket.once("data", () => socket.pause());
    }
    await expect.poll(openFiles).toBe(5);
    for (const socket of sockets) socket.destroy();
    await expect.poll(openFiles).toBe(0);
  });

  it("only where it was uploaded or mounted", async () => {
    const { client, send } = await start();
    await pushBlob(send, "team/app", "shared");
    const other = client.as("repository:other:pull,push");
    const there = `/v2/other/blobs/${sha256("shared")}`;
    expect((await other("GET", there)).code).toBe("BLOB_UNKNOWN");
    const both = client.as("repository:other:pull,push repository:team/app:pull");
    const mounted = await both("POST", `/v2/other/blobs/uploads/?mount=${sha256("shared")}&from=team/app`);
    expect([mounted.status, mounted.headers.location]).toEqual([201, there]);
    expect((await other("GET", there)).body.toString()).toBe("shared");
    expect((await both("POST", `/v2/other/blobs/uploads/?mount=${sha256("shared")}`)).status).toBe(202);
    expect((await both("POST", `/v2/other/blobs/uploads/?mount=${sha256("none")}&from=team/app`)).status).toBe(202);
  });
});

describe("a manifest", () => {
  it("is had by tag and digest, with its type and its exact bytes", async () => {
    const { send } = await start();
    const image = await pushImage(send, "team/app", "1.0");
    for (const reference of ["1.0", image.digest]) {
      const [get, head] = [
        await send("GET", `${NAME}/manifests/${reference}`),
        await send("HEAD", `${NAME}/manifests/${reference}`),
      ];
      expect(get.body.toString()).toBe(image.manifest);
      expect(head.headers["content-length"]).toBe(String(image.manifest.length));
      for (const { headers } of [get, head]) {
        expect(headers["content-type"]).toBe("application/vnd.oci.image.manifest.v1+json");
        expect(headers["docker-content-digest"]).toBe(image.digest);
        expect(headers["docker-distribution-api-version"]).toBe("registry/2.0");
        expect(Date.parse(headers["last-modified"] ?? "")).toBeGreaterThan(Date.now() - 3_600_000);
      }
    }
    const accept = (type: string) => send("GET", `${NAME}/manifests/1.0`, { headers: { Accept: type } });
    expect((await accept(ociIndex)).status).toBe(406);
    for (const type of ["*/*", `${ociIndex}, application/vnd.oci.image.manifest.v1+json;q=0.5`, "application/json"]) {
      expect((await accept(type)).status, type).toBe(200);
    }
  });

  it("moves its tag, and may be pushed again, by sha512 too", async () => {
    const { send } = await start();
    const [first, second] = [await pushImage(send, "team/app", "1.0"), await pushImage(send, "team/app", "1.0")];
    const tagged = async () => (await send("HEAD", `${NAME}/manifests/1.0`)).headers["docker-content-digest"];
    expect(await tagged()).toBe(second.digest);
    await putManifest(send, "team/app", "1.0", first.manifest);
    expect(await tagged()).toBe(first.digest);
    expect((await putManifest(send, "team/app", sha512(first.manifest), first.manifest)).status).toBe(201);
    expect((await send("GET", `${NAME}/manifests/${sha512(first.manifest)}`)).body.toString()).toBe(first.manifest);
    const tagged512 = await putManifest(send, "team/app", `${sha512(first.manifest)}?tag=x&tag=y`, first.manifest);
    expect(tagged512.headers["oci-tag"]).toBe("x, y");
    expect((await send("HEAD", `${NAME}/manifests/y`)).headers["docker-content-digest"]).toBe(sha512(first.manifest));
  });

  it("is refused when something is wrong with it, and then is not there", async () => {
    const { client, send } = await start();
    const image = await pushImage(send, "team/app", "good");
    const put = (reference: string, body: string, type?: string) =>
      putManifest(send, "team/app", reference, body, type);
    expect((await put("x", "not json")).code).toBe("MANIFEST_INVALID");
    expect((await put("x", image.manifest, ociIndex)).code).toBe("MANIFEST_INVALID");
    expect((await put(sha256("other"), image.manifest)).code).toBe("DIGEST_INVALID");
    expect((await put(`${"x".repeat(129)}`, image.manifest)).code).toBe("TAG_INVALID");
    expect((await put("sha256:short", image.manifest)).code).toBe("DIGEST_INVALID");
    const missing = await put("x", makeImage().manifest);
    expect([missing.status, missing.code]).toEqual([404, "MANIFEST_BLOB_UNKNOWN"]);
    const huge = JSON.stringify({ ...JSON.parse(image.manifest), annotations: { a: "x".repeat(4 * 1024 * 1024) } });
    expect((await put("x", huge)).status).toBe(413);
    const chunked = await send("PUT", `${NAME}/manifests/x`, {
      headers: { "Transfer-Encoding": "chunked" },
      body: huge,
    });
    expect(chunked.status).toBe(413);
    expect((await send("GET", `${NAME}/manifests/x`)).code).toBe("MANIFEST_UNKNOWN");
    const files = (await filesIn(client.dataDir)).filter((file) => /manifests|tags|uploads/.test(file));
    expect(files).toHaveLength(2);
  });

  it("of nearly 4 MiB is taken", async () => {
    const { send } = await start();
    const { manifest } = await pushImage(send, "team/app", "1.0");
    const big = JSON.stringify({ ...JSON.parse(manifest), annotations: { a: "x".repeat(4_190_000) } });
    expect((await putManifest(send, "team/app", "big", big)).status).toBe(201);
    expect((await send("GET", `${NAME}/manifests/big`)).body.toString()).toBe(big);
  });

  it("is deleted by tag alone, or by digest with its tags", async () => {
    const { send } = await start();
    const image = await pushImage(send, "team/app", "a");
    for (const tag of ["b", "c"]) await putManifest(send, "team/app", tag, image.manifest);
    const tags = async () => json(await send("GET", `${NAME}/tags/list`)).tags;
    expect((await send("DELETE", `${NAME}/manifests/b`)).status).toBe(202);
    expect(await tags()).toEqual(["a", "c"]);
    expect((await send("DELETE", `${NAME}/manifests/b`)).code).toBe("MANIFEST_UNKNOWN");
    expect((await send("DELETE", `${NAME}/manifests/${image.digest}`)).status).toBe(202);
    expect(await tags()).toEqual([]);
    expect((await send("GET", `${NAME}/manifests/a`)).status).toBe(404);
    expect((await send("DELETE", `${NAME}/manifests/${image.digest}`)).code).toBe("MANIFEST_UNKNOWN");
  });
});

describe("lists", () => {
  it("of tags come in order, and in pages", async () => {
    const { send } = await start();
    const { manifest } = await pushImage(send, "team/app", "d");
    for (const tag of ["b", "a", "c"]) await putManifest(send, "team/app", tag, manifest);
    expect(json(await send("GET", `${NAME}/tags/list`))).toEqual({ name: "team/app", tags: ["a", "b", "c", "d"] });
    const page = await send("GET", `${NAME}/tags/list?n=2&last=a`);
    expect(json(page).tags).toEqual(["b", "c"]);
    expect(page.headers.link).toBe('</v2/team/app/tags/list?n=2&last=c>; rel="next"');
    const end = await send("GET", `${NAME}/tags/list?n=2&last=c`);
    expect([json(end).tags, end.headers.link]).toEqual([["d"], undefined]);
    expect(json(await send("GET", `${NAME}/tags/list?n=0`)).tags).toEqual([]);
    expect((await send("GET", `${NAME}/tags/list?n=-1`)).code).toBe("PAGINATION_NUMBER_INVALID");
  });

  it("of repositories come in pages too, without those that hold no manifest", async () => {
    const { client } = await start();
    for (const name of ["c", "a/b", "a-b", "a"]) await pushImage(client.as(`repository:${name}:pull,push`), name, "1");
    await pushBlob(client.as("repository:empty:push"), "empty", "blob");
    const catalog = client.as("registry:catalog:*");
    expect(json(await catalog("GET", "/v2/_catalog")).repositories).toEqual(["a", "a-b", "a/b", "c"]);
    const page = await catalog("GET", "/v2/_catalog?n=2&last=a");
    expect(json(page).repositories).toEqual(["a-b", "a/b"]);
    expect(page.headers.link).toBe('</v2/_catalog?n=2&last=a%2Fb>; rel="next"');
  });

  it("of referrers follow the subject, before it is there and after they are deleted", async () => {
    const { send } = await start();
    const subject = makeImage();
    const reference = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: subject.digest, size: 1 };
    const sbom = makeImage([], { subject: reference, artifactType: "test/sbom", annotations: { a: "b" } });
    const plain = makeImage([], { subject: reference });
    for (const image of [sbom, plain]) {
      await pushBlob(send, "team/app", image.config);
      const put = await putManifest(send, "team/app", image.digest, image.manifest);
      expect([put.status, put.headers["oci-subject"]]).toEqual([201, subject.digest]);
    }
    const list = async (query = "") => {
      const answer = await send("GET", `${NAME}/referrers/${subject.digest}${query}`);
      expect(answer.headers["content-type"]).toBe(ociIndex);
      return { answer, manifests: json<{ manifests: Record<string, unknown>[] }>(answer).manifests };
    };
    expect((await list()).manifests.map(({ digest }) => digest)).toEqual([sbom.digest, plain.digest].sort());
    const filtered = await list("?artifactType=test/sbom");
    expect(filtered.answer.headers["oci-filters-applied"]).toBe("artifactType");
    expect(filtered.manifests).toEqual([
      {
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        digest: sbom.digest,
        size: sbom.manifest.length,
        artifactType: "test/sbom",
        annotations: { a: "b" },
      },
    ]);
    expect((await list("?artifactType=application/vnd.oci.image.config.v1%2Bjson")).manifests).toHaveLength(1);
    await send("DELETE", `${NAME}/manifests/${sbom.digest}`);
    expect((await list()).manifests.map(({ digest }) => digest)).toEqual([plain.digest]);
    expect((await send("GET", `${NAME}/referrers/${sha256("nothing")}`)).status).toBe(200);
    expect((await send("GET", `${NAME}/referrers/latest`)).code).toBe("DIGEST_INVALID");
  });
});

describe("bad requests", () => {
  it.each([
    ["GET", "/v2/Team/App/manifests/latest", 400, "NAME_INVALID"],
    ["GET", "/v2/team/../../etc/manifests/latest", 400, "NAME_INVALID"],
    ["GET", "/v2/team%2F..%2F..%2Fetc/manifests/latest", 400, "NAME_INVALID"],
    ["GET", "/v2/team/_/blobs/x/manifests/latest", 400, "NAME_INVALID"],
    ["GET", "/v2/team/app/unknown", 404, "UNSUPPORTED"],
    ["GET", "/v2/%zz", 404, "UNSUPPORTED"],
    ["POST", "/v2/team/app/tags/list", 405, "UNSUPPORTED"],
    ["PUT", "/v2/", 405, "UNSUPPORTED"],
    ["GET", "/elsewhere", 404, "UNSUPPORTED"],
    ["GET", `${NAME}/blobs/sha256:..%2F..%2F..%2Flock`, 404, "UNSUPPORTED"],
    ["GET", `${NAME}/blobs/..`, 400, "DIGEST_INVALID"],
    ["GET", `${NAME}/manifests/..%2F..%2Fcreated`, 404, "UNSUPPORTED"],
    ["GET", `${NAME}/manifests/..`, 400, "TAG_INVALID"],
    ["GET", `${NAME}/blobs/uploads/..%2F..%2Flock`, 404, "UNSUPPORTED"],
    ["GET", `${NAME}/blobs/uploads/..`, 404, "BLOB_UPLOAD_UNKNOWN"],
    ["GET", `${NAME}/blobs/uploads/no-such-upload`, 404, "BLOB_UPLOAD_UNKNOWN"],
    ["GET", `${NAME}/tags/list`, 404, "NAME_UNKNOWN"],
    ["DELETE", `${NAME}/blobs/${sha256("none")}`, 404, "BLOB_UNKNOWN"],
  ])("%s %s is %i %s", async (method, path, status, code) => {
    const { send } = await start();
    const answer = await send(method, path);
    expect([answer.status, answer.code]).toEqual([status, code]);
  });
});
