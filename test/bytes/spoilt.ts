import { layerDigest, type Port } from "./ports.ts";

/** Random numbers that a seed decides, so that a run can be repeated. */
export interface Random {
  /** A whole number from 0 to below the limit. */
  below(limit: number): number;
  /** One of the values, of which there must be one. */
  of<T>(values: readonly T[]): T;
  /** True once in so many times. */
  once(inTimes: number): boolean;
}

/** The generator mulberry32. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  const of = <T>(values: readonly T[]) => values[below(values.length)] as T;
  return { below, of, once: (inTimes) => below(inTimes) === 0 };
}

/** What good clients send: a method, a target, perhaps a body, perhaps its type. */
type Good = readonly [method: string, target: string, body?: string, type?: string];

const digest = `sha256:${"0".repeat(64)}`;
const empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const config = { mediaType: "application/vnd.oci.image.config.v1+json", digest: empty, size: 0 };
const manifestType = "application/vnd.oci.image.manifest.v1+json";
const manifest = JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config, layers: [] });
const form = "grant_type=password&service=registry&username=token&password=x&scope=repository:images/bytes:pull";
const repository = "/v2/images/bytes";
const upload = `${repository}/blobs/uploads/00000000-0000-0000-0000-000000000000`;
const target = { registry: "images", repoId: "images/bytes" };

const good: Readonly<Record<Port["form"], readonly Good[]>> = {
  registry: [
    ["GET", "/v2/"],
    ["GET", "/v2/_catalog?n=3&last=a"],
    ["GET", "/token?service=registry&scope=repository:images/bytes:pull"],
    ["POST", "/token", form],
    ["GET", `${repository}/tags/list?n=2`],
    ["GET", `${repository}/referrers/${digest}`],
    ["POST", `${repository}/blobs/uploads/`],
    ["POST", `${repository}/blobs/uploads/?digest=${empty}`],
    ["POST", `${repository}/blobs/uploads/?digest=${digest}`, "12345"],
    ["POST", `${repository}/blobs/uploads/?mount=${empty}&from=images/bytes`],
    ["PATCH", upload, "12345"],
    ["PUT", `${upload}?digest=${digest}`, "12345"],
    ["GET", `${repository}/blobs/${empty}`],
    ["GET", `${repository}/blobs/${layerDigest}`],
    ["HEAD", `${repository}/blobs/${digest}`],
    ["PUT", `${repository}/manifests/1.0`, manifest, manifestType],
    ["PUT", `${repository}/manifests/${digest}?tag=a&tag=b`, manifest],
    ["GET", `${repository}/manifests/1.0`],
    ["DELETE", `${repository}/manifests/2.0`],
    ["POST", `${repository}/_alien/repository`],
  ],
  suite: [
    ["GET", "/livez"],
    ["GET", "/readyz"],
    ["GET", "/healthz"],
    ["GET", "/metrics"],
    ["GET", "/openapi.json"],
    ["POST", "/v1/createRepository", JSON.stringify({ registry: "images", name: "bytes" })],
    ["POST", "/v1/getRepository", JSON.stringify(target)],
    ["POST", "/v1/generateCredentials", JSON.stringify({ ...target, permissions: "pull", ttlSeconds: 900 })],
    ["POST", "/v1/getCrossAccountAccess", JSON.stringify(target)],
    ["POST", "/v1/addCrossAccountAccess", JSON.stringify({ ...target, access: { accountIds: ["1"] } })],
    ["POST", "/v1/setupRepository", JSON.stringify({ registry: "images", name: "bytes", access: [] })],
    ["POST", "/v1/describeRegistry", JSON.stringify({ registry: "images" })],
    ["POST", "/", JSON.stringify({ operation: "getRepository", ...target })],
  ],
};

const methods = "GET HEAD OPTIONS CONNECT TRACE POST PUT PATCH DELETE QUERY PRI get".split(" ").concat("", "G\0T");
const targets =
  "// / * ? # http://[ http:// http://here/v2/ http://a:b@here/ here:443 /% /%zz /%00 /.. \\\\ /v2/%2e%2e/ /v2// /v1/ /v1/%"
    .split(" ")
    .concat("");
const versions = ["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.", "http/1.1", "RTSP/1.0", ""];
/** Values that are wrong, or right and unusual, for the headers that somebody here reads. */
const values: Readonly<Record<string, readonly string[]>> = {
  Host: ["[", "", "1.2.3.4.5", "a@b", "a"],
  Connection: ["close", "keep-alive", "Upgrade"],
  Upgrade: ["websocket", "h2c"],
  Expect: ["100-continue", "x"],
  "Content-Length": ["0", "5", "-1", "99999999", "1e9"],
  "Transfer-Encoding": ["chunked", "gzip, chunked", "x"],
  "Content-Range": ["0-4", "9-1", "x"],
  Range: ["bytes=0-0", "bytes=-1", "bytes=9-1", "x"],
  Authorization: ["Bearer", "Bearer x.y.z", "Basic dG9rZW46eA==", "Basic %", "\u00ff"],
  "Content-Type": ["\u00ff", "x/y; z"],
  "Content-Encoding": ["gzip"],
  Accept: ["\u00ff", "x/y"],
  Trailer: ["x"],
  "X-Forwarded-Host": ["["],
  Cookie: ["a".repeat(9_000)],
  A: ["\0", "\rx"],
};
const lines = Object.entries(values)
  .flatMap(([name, each]) => each.map((value) => `${name}: ${value}`))
  .concat("Nonsense", ": x", " x: y", "__proto__: x");
const bytes = '\r\n|\r\n\r\n|\n|\r|\0|\u00ff|%|%00|/|//|\\|:| |\t|0|-1|ffffffffffffffff|"|[|{|\u0016\u0003\u0001'.split(
  "|",
);

/** A request in parts, each of which can be spoilt by itself. */
interface Parts {
  method: string;
  target: string;
  version: string;
  headers: string[];
  body: string;
}

/** One or a few requests, one behind the other, each spoilt here and there, or not at all. */
export function spoiltRequests(port: Port, random: Random): string {
  const count = random.once(3) ? 2 + random.below(8) : 1;
  return Array.from({ length: count }, () => spoilt(port, random)).join("");
}

function spoilt({ form, authorization }: Port, random: Random): string {
  const [method, target, body = "", type] = random.of(good[form]);
  const parts: Parts = { method, target, version: "HTTP/1.1", headers: ["Host: here"], body };
  if (!random.once(4)) parts.headers.push(`Authorization: ${authorization}`);
  if (type !== undefined) parts.headers.push(`Content-Type: ${type}`);
  frame(parts, random);
  if (random.once(2)) for (let i = random.below(3); i >= 0; i--) spoilPart(parts, random);
  const head = [`${parts.method} ${parts.target} ${parts.version}`, ...parts.headers, "", ""].join("\r\n");
  let text = head + parts.body;
  if (random.once(4)) for (let i = random.below(4); i >= 0; i--) text = spoilBytes(text, random);
  return text;
}

/** Says where the body ends, in one way or the other. */
function frame(parts: Parts, random: Random): void {
  if (parts.body === "" && !random.once(3)) return;
  if (!random.once(3)) {
    parts.headers.push(`Content-Length: ${parts.body.length}`);
    return;
  }
  parts.headers.push("Transfer-Encoding: chunked");
  const half = random.below(parts.body.length + 1);
  const chunks = [parts.body.slice(0, half), parts.body.slice(half)].filter((chunk) => chunk !== "");
  parts.body = `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("")}0\r\n\r\n`;
}

function spoilPart(parts: Parts, random: Random): void {
  const { target, headers, body } = parts;
  const at = random.below(headers.length + 1);
  const withLines = (...more: string[]) => ({ headers: headers.toSpliced(at, 0, ...more) });
  const change = random.of<() => Partial<Parts>>([
    () => ({ method: random.of(methods) }),
    () => ({ target: random.of(targets) }),
    () => ({ target: spoilBytes(target, random) }),
    () => ({ version: random.of(versions) }),
    () => withLines(random.of(lines)),
    () => withLines(random.of(lines), random.of(lines)),
    () => withLines(...headers.slice(0, 2)),
    () => ({ headers: headers.toSpliced(at, 1) }),
    () => ({ body: spoilBytes(body, random) }),
    () => ({ body: body.slice(0, random.below(body.length + 1)) }),
    () => ({ body: body + "x".repeat(random.below(100_000)) }),
  ]);
  Object.assign(parts, change());
}

/** Puts something else in the place of a few bytes, or of none. */
function spoilBytes(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  const length = random.below(8);
  const put = random.of([
    () => random.of(bytes),
    () => random.of(lines),
    () => String.fromCharCode(random.below(256)).repeat(1 + length),
    () => text.slice(at, at + length).repeat(2),
    () => "",
  ]);
  return text.slice(0, at) + put() + text.slice(at + length);
}
