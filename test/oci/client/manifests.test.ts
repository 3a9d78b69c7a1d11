import { expect, test } from "vitest";
import { createClient, digestOf, ociManifest } from "../../../oci/client/index.ts";
import { reply, serve } from "./server.ts";

const bytes = Buffer.from('{"schemaVersion":2}');
const digest = digestOf(bytes);

test("a manifest comes back byte for byte, with its type and digest", async () => {
  const server = await serve((_, response) =>
    reply(response, 200, bytes, {
      "content-type": `${ociManifest}; charset=utf-8`,
      "content-length": String(bytes.byteLength),
      "docker-content-digest": digest,
    }),
  );
  const client = createClient({ url: server.url });
  await expect(client.pullManifest("a", "1")).resolves.toEqual({ bytes, mediaType: ociManifest, digest });
  expect(server.seen[0]?.headers.accept).toContain(ociManifest);
  await expect(client.headManifest("a", "1")).resolves.toEqual({
    mediaType: ociManifest,
    digest,
    size: bytes.byteLength,
  });
});

test.each([
  ["asked for by digest", `sha256:${"0".repeat(64)}`, undefined],
  ["announced in the header", "1", `sha256:${"0".repeat(64)}`],
  ["announced in a form that cannot be verified", "1", "md5:00"],
])("a manifest that is not the one %s is refused", async (_, reference, header) => {
  const headers = header === undefined ? {} : { "docker-content-digest": header };
  const server = await serve((_request, response) => reply(response, 200, bytes, headers as Record<string, string>));
  const client = createClient({ url: server.url });
  await expect(client.pullManifest("a", reference)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
});

test("a manifest without end is refused before memory is full", async () => {
  const server = await serve((_, response) => {
    response.writeHead(200);
    const more = (): boolean => response.write(Buffer.alloc(1 << 20), () => response.destroyed || setImmediate(more));
    more();
  });
  const client = createClient({ url: server.url });
  await expect(client.pullManifest("a", "1")).rejects.toMatchObject({ code: "UNEXPECTED_RESPONSE" });
});

test("a push answers the digest, and the subject that the registry linked", async () => {
  const subject = `sha256:${"1".repeat(64)}`;
  const server = await serve((_, response) =>
    reply(response, 201, "", { "docker-content-digest": digest, "oci-subject": subject }),
  );
  const client = createClient({ url: server.url });
  await expect(client.pushManifest("a", "1", { bytes, mediaType: ociManifest })).resolves.toEqual({ digest, subject });
  expect(server.seen[0]?.headers["content-type"]).toBe(ociManifest);
});

test("a push that the registry stored as something else is an error", async () => {
  const other = `sha256:${"2".repeat(64)}`;
  const server = await serve((_, response) => reply(response, 201, "", { "docker-content-digest": other }));
  const client = createClient({ url: server.url });
  const push = client.pushManifest("a", "1", { bytes, mediaType: ociManifest });
  await expect(push).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
});
