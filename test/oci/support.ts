import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { onTestFinished } from "vitest";
import { type RunningRegistry, type ServeOptions, serveRegistry } from "../../oci/registry/index.ts";
import { loadTokenKey, mintToken, parseScope, type TokenKey } from "../../oci/token/index.ts";

export const ociManifest = "application/vnd.oci.image.manifest.v1+json";
export const ociIndex = "application/vnd.oci.image.index.v1+json";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The code of the first error in the body. */
  readonly code: string | undefined;
}

export interface Ask {
  readonly headers?: OutgoingHttpHeaders;
  /** A stream goes out as it comes; its length is the caller's to name in the headers. */
  readonly body?: Buffer | string | Readable;
}

/** One request over a real socket, exactly as written: nothing is followed, added or decoded. */
export function ask(method: string, url: string, { headers = {}, body }: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sized = body === undefined || body instanceof Readable || "Transfer-Encoding" in headers;
    const length = sized ? {} : { "Content-Length": Buffer.byteLength(body) };
    // The path as it is written: a URL would resolve the dots in it.
    const [, host, port, path] = /^http:\/\/(.+):(\d+)(\/.*)$/.exec(url) ?? [];
    const req = httpRequest({ host, port, path, method, headers: { ...length, ...headers } }, (res) => {
      const chunks: Buffer[] = [];
      res.on("data", (chunk: Buffer) => chunks.push(chunk));
      res.on("error", reject);
      res.on("end", () => {
        const whole = Buffer.concat(chunks);
        resolve({ status: res.statusCode ?? 0, headers: res.headers, body: whole, code: codeOf(whole) });
      });
    });
    req.on("error", reject);
    if (body instanceof Readable) body.pipe(req);
    else req.end(body);
  });
}

export function json<T = Record<string, unknown>>(answer: Answer): T {
  return JSON.parse(answer.body.toString()) as T;
}

function codeOf(body: Buffer): string | undefined {
  // An answer with an error is short; a blob of a gigabyte is none.
  if (body.length > 65_536) return undefined;
  try {
    return (JSON.parse(body.toString()) as { errors?: { code: string }[] }).errors?.[0]?.code;
  } catch {
    return undefined;
  }
}

export function sha256(bytes: Buffer | string): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

export function sha512(bytes: Buffer | string): string {
  return `sha512:${createHash("sha512").update(bytes).digest("hex")}`;
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "registry-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface Client {
  readonly url: string;
  readonly dataDir: string;
  readonly key: TokenKey;
  readonly running: RunningRegistry;
  /** A token for these scopes. */
  token(scopes: string, options?: { expiresAt?: Date; audience?: string }): string;
  /** A request with a bearer for these scopes. */
  as(scopes: string): (method: string, path: string, options?: Ask) => Promise<Answer>;
}

/** A registry of this test's own, stopped with it. */
export async function startRegistry(options: Partial<ServeOptions> = {}): Promise<Client> {
  const dataDir = options.dataDir ?? (await temporaryFolder());
  const key = await loadTokenKey(join(dataDir, "token.key"));
  const running = await serveRegistry({ host: "127.0.0.1", port: 0, key, dataDir, ...options });
  onTestFinished(() => running.close());
  return clientOf(running, dataDir, key);
}

function clientOf(running: RunningRegistry, dataDir: string, key: TokenKey): Client {
  const token: Client["token"] = (
    scopes,
    { expiresAt = new Date(Date.now() + 3_600_000), audience = "registry" } = {},
  ) => mintToken(key, { subject: "test", access: parseScope(scopes), audience, expiresAt });
  return {
    url: running.url,
    dataDir,
    key,
    running,
    token,
    as(scopes) {
      const bearer = `Bearer ${token(scopes)}`;
      return (method, path, options = {}) =>
        ask(method, `${running.url}${path}`, { ...options, headers: { Authorization: bearer, ...options.headers } });
    },
  };
}

export type Send = ReturnType<Client["as"]>;

export async function pushBlob(
  send: Send,
  name: string,
  bytes: Buffer | string,
  digest = sha256(bytes),
): Promise<Answer> {
  return send("POST", `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: bytes });
}

export interface Image {
  readonly config: Buffer;
  readonly layers: readonly Buffer[];
  readonly manifest: string;
  readonly digest: string;
}

export function makeImage(layers: readonly Buffer[] = [randomBytes(2000)], extra: Record<string, unknown> = {}): Image {
  const config = Buffer.from(
    JSON.stringify({ architecture: "amd64", os: "linux", nonce: randomBytes(8).toString("hex") }),
  );
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: ociManifest,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: sha256(config), size: config.length },
    layers: layers.map((layer) => ({
      mediaType: "application/vnd.oci.image.layer.v1.tar",
      digest: sha256(layer),
      size: layer.length,
    })),
    ...extra,
  });
  return { config, layers, manifest, digest: sha256(manifest) };
}

export function putManifest(
  send: Send,
  name: string,
  reference: string,
  manifest: string | Buffer,
  type = ociManifest,
) {
  return send("PUT", `/v2/${name}/manifests/${reference}`, { body: manifest, headers: { "Content-Type": type } });
}

/** Pushes an image whole; throws unless every step was accepted. */
export async function pushImage(
  send: Send,
  name: string,
  reference: string,
  image: Image = makeImage(),
): Promise<Image> {
  for (const blob of [image.config, ...image.layers]) expectCreated(await pushBlob(send, name, blob));
  expectCreated(await putManifest(send, name, reference, image.manifest));
  return image;
}

function expectCreated(answer: Answer): void {
  if (answer.status !== 201) throw new Error(`201 was expected, not ${answer.status}: ${answer.body.toString()}`);
}

/** All files below a folder, as paths relative to it. */
export async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(folder.length + 1))
    .sort();
}
