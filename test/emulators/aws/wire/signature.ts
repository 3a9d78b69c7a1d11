import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Message } from "./request.ts";

/** What the `Authorization` header of a request signed with Signature Version 4 says. */
export interface Signed {
  readonly keyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

const MAX_SKEW_MS = 15 * 60 * 1000;
const MISMATCH =
  "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

/** Reads the header; undefined where it is absent, or not of this form. */
export function readSigned(header: string | undefined): Signed | undefined {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      header ?? "",
    );
  const [, keyId, date, region, service, signedHeaders, signature] = match ?? [];
  if (!keyId || !date || !region || !service || !signedHeaders || !signature) return undefined;
  return { keyId, date, region, service, signedHeaders: signedHeaders.split(";"), signature };
}

/** Why the signature does not hold, or undefined where it does. */
export function signatureProblem(req: Message, body: Buffer, signed: Signed, secret: string): string | undefined {
  const date = header(req, "x-amz-date");
  const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (!date.startsWith(signed.date) || Number.isNaN(at)) return "Date in Credential scope does not match the date.";
  if (Math.abs(Date.now() - at) > MAX_SKEW_MS)
    return `Signature expired: ${date} is now too far from the server's time.`;
  for (const name of ["host", "x-amz-date"]) {
    if (!signed.signedHeaders.includes(name)) return `'${name}' must be a 'SignedHeader' in the AWS Authorization.`;
  }
  if (req.headers["x-amz-security-token"] && !signed.signedHeaders.includes("x-amz-security-token")) {
    return "'X-Amz-Security-Token' must be a 'SignedHeader' in the AWS Authorization.";
  }
  const bodyHash = sha256(body);
  const claimed = header(req, "x-amz-content-sha256");
  if (claimed !== "" && claimed !== "UNSIGNED-PAYLOAD" && claimed !== bodyHash) return "The payload's hash is wrong.";

  const canonical = [
    req.method,
    canonicalPath(req),
    canonicalQuery(req),
    ...signed.signedHeaders.map((name) => `${name}:${header(req, name).trim().replace(/\s+/g, " ")}`),
    "",
    signed.signedHeaders.join(";"),
    claimed === "" ? bodyHash : claimed,
  ].join("\n");
  const scope = `${signed.date}/${signed.region}/${signed.service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", date, scope, sha256(Buffer.from(canonical))].join("\n");
  return timingSafeEqual(hmac(signingKey(secret, scope), toSign), Buffer.from(signed.signature, "hex"))
    ? undefined
    : MISMATCH;
}

const signingKeys = new LRUCache<string, Buffer>({ max: 1_000 });

/** What AWS derives from a secret for a day, a region and a service. */
function signingKey(secret: string, scope: string): Buffer {
  const name = `${secret}/${scope}`;
  const known = signingKeys.get(name);
  if (known !== undefined) return known;
  const key = scope.split("/").reduce<string | Buffer>(hmac, `AWS4${secret}`) as Buffer;
  signingKeys.set(name, key);
  return key;
}

function header(req: Message, name: string): string {
  const value = req.headers[name];
  return Array.isArray(value) ? value.join(",") : (value ?? "");
}

function canonicalPath(req: Message): string {
  const path = (req.url ?? "/").split("?")[0] ?? "/";
  return path.split("/").map(encode).join("/");
}

function canonicalQuery(req: Message): string {
  const query = new URLSearchParams((req.url ?? "").split("?")[1] ?? "");
  return [...query]
    .map(([key, value]) => `${encode(key)}=${encode(value)}`)
    .sort()
    .join("&");
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
