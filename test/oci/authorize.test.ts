import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { authorize, createAuthenticate } from "../../oci/registry/auth/authorize.ts";
import type { OciError } from "../../oci/registry/respond.ts";
import { type Credential, mintToken, type Revocation, tokenKey } from "../../oci/token/index.ts";
import { startRegistry } from "./support.ts";

const now = new Date("2026-03-01T12:00:00Z");
const key = tokenKey(Buffer.alloc(32, 1));
const credential: Credential = {
  id: "one",
  issuedAt: now.getTime() / 1_000,
  registry: "images",
  repositories: ["images/app"],
  permissions: "pull",
};
const expiresAt = new Date("2026-03-01T13:00:00Z");
const token = mintToken(key, { subject: "ci", access: [], audience: "registry", expiresAt, credential });
const basic = `Basic ${Buffer.from(`token:${token}`).toString("base64")}`;

/** A list of one revocation, which notes whenever it is gone through. */
function watchedList(credentialId: string): { list: readonly Revocation[]; looks: () => number } {
  let looks = 0;
  const entry: Revocation = {
    revokedAt: now.toISOString(),
    credentialId,
    get registry() {
      looks += 1;
      return "images";
    },
  };
  return { list: [entry], looks: () => looks };
}

describe("a caller", () => {
  const authenticate = createAuthenticate({ keys: async () => [key], service: "registry", clock: () => now });

  it("is told with its claims and with the scheme by which it came", async () => {
    const claims = { subject: "ci", access: [], expiresAt, credential };
    expect(await authenticate(`Bearer ${token}`)).toMatchObject({ ...claims, scheme: "bearer" });
    expect(await authenticate(basic)).toMatchObject({ ...claims, scheme: "basic" });
  });

  it("is not refused for what goes wrong inside: that is an error", async () => {
    const broken = new Error("no clock");
    const clock = () => {
      throw broken;
    };
    const failing = createAuthenticate({ keys: async () => [key], service: "registry", clock });
    await expect(failing(`Bearer ${token}`)).rejects.toBe(broken);
    expect(await failing("Bearer nonsense")).toBe("invalid");
  });

  it("is looked up among the revocations once, and again when the list has changed", async () => {
    let current = watchedList("another");
    const revocations = async () => current.list;
    const ask = createAuthenticate({ keys: async () => [key], service: "registry", clock: () => now, revocations });
    for (const header of [`Bearer ${token}`, basic, `Bearer ${token}`]) {
      expect(await ask(header)).toMatchObject({ subject: "ci" });
    }
    expect(current.looks()).toBe(1);
    current = watchedList("one");
    for (const _again of [1, 2]) expect(await ask(`Bearer ${token}`)).toBe("invalid");
    expect(current.looks()).toBe(1);
  });
});

describe("a challenge to a request without a host", () => {
  it("leads to the address that the request came to", async () => {
    const { url } = await startRegistry();
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.write("GET /v2/ HTTP/1.0\r\n\r\n");
    expect((await text(socket)).toLowerCase()).toContain(`www-authenticate: bearer realm="${url}/token"`);
  });

  it("writes an IPv6 address as URLs do", () => {
    const req = { headers: {}, socket: { localAddress: "::1", localPort: 5000 } } as IncomingMessage;
    const challenge = (): Partial<OciError> => {
      try {
        return authorize("none", undefined, { req, publicUrl: undefined, service: "registry" }) && {};
      } catch (error) {
        return error as OciError;
      }
    };
    expect(challenge().headers).toEqual({
      "Www-Authenticate": 'Bearer realm="http://[::1]:5000/token",service="registry"',
    });
  });
});
