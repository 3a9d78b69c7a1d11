import { once } from "node:events";
import { Agent, request } from "node:https";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { type ConnectionOptions, connect as connectSecurely, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Authority, createAuthority } from "../../emulators/azure/http/certificates.ts";
import { errorOf } from "../../support/inputs.ts";
import { type Issuer, startIssuer } from "../../support/issuer.ts";
import { serve } from "../support/container.ts";
import { fakePlatform } from "../support/fake-platform.ts";
import { type MountedSecret, mountSecret } from "../support/files.ts";
import { everythingFor } from "../support/grants.ts";

let issuer: Issuer;
let first: Authority;
let second: Authority;
const mounted: MountedSecret[] = [];
beforeAll(async () => {
  [issuer, first, second] = await Promise.all([startIssuer(), createAuthority(), createAuthority()]);
});
afterAll(async () => {
  await issuer?.stop();
  for (const secret of mounted) await secret.remove();
});

const filesOf = ({ server }: Authority) => ({ "tls.crt": server.cert, "tls.key": server.key });

async function start(files: Record<string, string>, env: Record<string, string> = {}, platform = fakePlatform()) {
  const secret = await mountSecret(files);
  mounted.push(secret);
  const settings = {
    ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: "suite" }]),
    ALIEN_ACCESS_RULES: everythingFor(issuer.url),
    TLS_CERT_FILE: secret.path("tls.crt"),
    TLS_KEY_FILE: secret.path("tls.key"),
    ...env,
  };
  const served = await serve(settings, platform, { lookEveryMs: 10 });
  const { hostname, port } = new URL(served.url);
  return { ...served, secret, place: { host: hostname, port: Number(port) } };
}

/** Asks over a new connection, or over those of an agent. @throws Node's error for a certificate that the CA did not sign */
async function ask(url: string, ca: string, options: { agent?: Agent; token?: string; body?: object } = {}) {
  const { agent = new Agent({ ca }), token, body } = options;
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const sent = request(url, { agent, headers, method: body ? "POST" : "GET" });
  const answered = once(sent, "response");
  sent.end(body && JSON.stringify(body));
  const [response] = await answered;
  return { status: response.statusCode as number, body: await text(response) };
}

const secured = async (options: ConnectionOptions): Promise<TLSSocket> => {
  const socket = connectSecurely(options);
  await once(socket, "secureConnect");
  return socket;
};

describe("a server with a certificate", () => {
  test("speaks HTTPS, with its probes, and plain HTTP to nobody but the reader of its metrics", async () => {
    const { url, metrics, place } = await start(filesOf(first));
    expect(url).toMatch(/^https:/);
    expect((await ask(`${url}/readyz`, first.ca)).status).toBe(200);
    const input = { registry: "images", name: "my-app" };
    const token = await issuer.sign();
    const answer = await ask(`${url}/v1/createRepository`, first.ca, { token, body: input });
    expect([answer.status, JSON.parse(answer.body)]).toEqual([200, expect.objectContaining({ name: "images/my-app" })]);
    await expect(ask(`${url}/readyz`, second.ca)).rejects.toThrow(/certificate/);
    await expect(fetch(url.replace("https:", "http:"))).rejects.toThrow();
    expect(await metrics()).toMatch(/^artifact_registry_requests_total/m);
    const old = secured({ ...place, ca: first.ca, maxVersion: "TLSv1.1", minVersion: "TLSv1" });
    await expect(old).rejects.toThrow();
    const other = secured({ ...place, ca: first.ca, ALPNProtocols: ["h2"] });
    await expect(other).rejects.toThrow();
  });

  test("takes a renewed one for new connections, and ends no request for it", async () => {
    const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const platform = fakePlatform({
      upstream: async (method) => {
        if (method !== "createRepository") return;
        reached.resolve();
        await released.promise;
      },
    });
    const { url, secret, warnings } = await start(filesOf(first), {}, platform);
    const kept = new Agent({ ca: first.ca, keepAlive: true, maxSockets: 1 });
    const token = await issuer.sign();
    const inFlight = ask(`${url}/v1/createRepository`, first.ca, {
      agent: kept,
      token,
      body: { registry: "images", name: "my-app" },
    });
    await reached.promise;
    await secret.replace(filesOf(second));
    await expect.poll(() => ask(`${url}/livez`, second.ca).catch(() => undefined)).toMatchObject({ status: 200 });
    await expect(ask(`${url}/livez`, first.ca)).rejects.toThrow(/certificate/);
    released.resolve();
    expect((await inFlight).status).toBe(200);
    // Its connection goes on.
    expect((await ask(`${url}/livez`, first.ca, { agent: kept })).status).toBe(200);
    kept.destroy();
    expect(warnings).toEqual([]);
  });

  test("keeps the last good one while the files cannot be used, and says so once", async () => {
    const { url, secret, warnings } = await start(filesOf(first));
    await secret.replace({ "tls.crt": second.server.cert, "tls.key": first.server.key });
    await expect.poll(() => warnings).toEqual([expect.stringContaining("KEY_VALUES_MISMATCH")]);
    expect((await ask(`${url}/livez`, first.ca)).status).toBe(200);
    await secret.replace(filesOf(second));
    await expect.poll(() => ask(`${url}/livez`, second.ca).catch(() => undefined)).toMatchObject({ status: 200 });
    expect(warnings).toEqual([
      `The certificate ${secret.path("tls.crt")} with the key ${secret.path("tls.key")} cannot be used: ` +
        "ERR_OSSL_X509_KEY_VALUES_MISMATCH. The one that was read last stays in force.",
    ]);
  });

  test("is not kept from others by connections on which TLS is never agreed on, nor held up by them", async () => {
    const { url, place, close } = await start(filesOf(first), { MAX_CONNECTIONS: "10" });
    const silent = Array.from({ length: 30 }, () => connect(place.port, place.host));
    // The server may reset one, also before it is known here that it was taken.
    const endOf = (socket: Socket) => new Promise((resolve) => socket.once("close", resolve).on("error", resolve));
    const ended = silent.map(endOf);
    await Promise.all(silent.map((socket, index) => Promise.race([once(socket, "connect"), ended[index]])));
    expect((await ask(`${url}/livez`, first.ca)).status).toBe(200);
    // The others had to go.
    await Promise.all(ended.slice(0, 20));
    const agreed = await secured({ ...place, ca: first.ca });
    const closed = endOf(agreed.resume());
    expect(await close()).toBe(true);
    await Promise.all([...ended, closed]);
  });
});

describe("what cannot be used is refused at start", () => {
  test.each<[string, (secret: MountedSecret) => Record<string, string>, RegExp]>([
    ["a certificate without a key", () => ({ TLS_KEY_FILE: "" }), /TLS_CERT_FILE and TLS_KEY_FILE must both be set/],
    [
      "a file that is missing",
      () => ({ TLS_CERT_FILE: "/none/tls.crt" }),
      /\/none\/tls\.crt .* cannot be used: ENOENT/,
    ],
    ["a file that is no key", (secret) => ({ TLS_KEY_FILE: secret.path("tls.crt") }), /cannot be used: ERR_OSSL_/],
  ])("%s", async (_title, env, message) => {
    const secret = await mountSecret(filesOf(first));
    mounted.push(secret);
    const error = await errorOf(() => start(filesOf(first), env(secret)));
    expect(error).toMatchObject({ code: "BINDING_CONFIG_INVALID", message: expect.stringMatching(message) });
  });
});
