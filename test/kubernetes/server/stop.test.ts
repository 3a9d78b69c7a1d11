import { Agent, createServer, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listen, stopListening, urlOf } from "../../../oci/http/listening.ts";
import { type Issuer, startIssuer } from "../../support/issuer.ts";
import { serve } from "../support/container.ts";
import { fakePlatform } from "../support/fake-platform.ts";
import { everythingFor } from "../support/grants.ts";

let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer();
});
afterAll(() => issuer.stop());

/** A promise and what settles it. */
const gate = () => Promise.withResolvers<void>();

test("a stop turns clients away first, then finishes what is in flight", async () => {
  const [reached, released, drained] = [gate(), gate(), gate()];
  const platform = fakePlatform({
    upstream: async (method) => {
      if (method !== "createRepository") return;
      reached.resolve();
      await released.promise;
    },
  });
  const env = {
    ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: "suite" }]),
    ALIEN_ACCESS_RULES: everythingFor(issuer.url),
  };
  const served = await serve(env, platform, { pause: () => drained.promise });
  const agent = new Agent({ keepAlive: true, maxSockets: 2 });
  const token = await issuer.sign();
  const ask = (method: string, path: string, body?: object) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}` };
      const sent = request(`${served.url}${path}`, { method, agent, headers }, resolve).once("error", reject);
      sent.end(body && JSON.stringify(body));
    });
  const status = async (path: string) => {
    const response = await ask("GET", path);
    await text(response);
    return [response.statusCode, response.headers.connection];
  };

  expect(await status("/readyz")).toEqual([200, "keep-alive"]);
  const inFlight = ask("POST", "/v1/createRepository", { registry: "images", name: "my-app" });
  await reached.promise;
  expect(await served.metrics()).toMatch(/^artifact_registry_requests_in_flight 1$/m);

  // The drain: no new traffic is asked for, but what still comes is answered, on a connection that ends with it.
  let whole: boolean | undefined;
  const closing = served.close().then((result) => {
    whole = result;
  });
  expect(await status("/readyz")).toEqual([503, "close"]);
  expect(await status("/livez")).toEqual([200, "close"]);
  const late = await ask("POST", "/v1/getRepository", { registry: "images", repoId: "my-app" });
  expect([late.statusCode, late.headers.connection]).toEqual([200, "close"]);
  await text(late);

  // After it: nobody gets in, and the stop waits for the answer that is still owed.
  drained.resolve();
  await expect.poll(() => status("/livez").catch((error) => error.code)).toBe("ECONNREFUSED");
  expect(whole).toBeUndefined();
  released.resolve();
  const answer = await inFlight;
  expect([answer.statusCode, answer.headers.connection]).toEqual([200, "close"]);
  expect(JSON.parse(await text(answer))).toMatchObject({ name: "images/my-app" });
  await closing;
  expect(whole).toBe(true);
  agent.destroy();
});

test("a body that never comes is answered when the operation's time is over, and the stop waits for that", async () => {
  const env = {
    ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: "suite" }]),
    ALIEN_ACCESS_RULES: everythingFor(issuer.url),
    OPERATION_TIMEOUT_SECONDS: "1",
  };
  const served = await serve(env, fakePlatform());
  const stuck = request(`${served.url}/v1/createRepository`, {
    method: "POST",
    headers: { authorization: `Bearer ${await issuer.sign()}`, "content-length": "100" },
  });
  const status = new Promise((resolve) => {
    stuck.once("response", (response) => resolve(response.resume().statusCode));
  });
  stuck.on("error", () => {});
  stuck.write("{");
  await expect.poll(() => served.metrics()).toMatch(/^artifact_registry_requests_in_flight 1$/m);
  expect(await served.close()).toBe(true);
  expect(await status).toBe(408);
});

test("a connection on which nothing has come holds up no stop", async () => {
  const env = {
    ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: "suite" }]),
    ALIEN_ACCESS_RULES: everythingFor(issuer.url),
  };
  const served = await serve(env, fakePlatform());
  const { hostname, port } = new URL(served.url);
  const silent = connect(Number(port), hostname);
  const ended = new Promise((resolve) => silent.once("close", resolve));
  await new Promise((resolve) => silent.once("connect", resolve));
  // It is in the server's hands once a later one has been answered.
  expect((await fetch(`${served.url}/livez`)).status).toBe(200);
  expect(await served.close()).toBe(true);
  await ended;
});

test("what is still not answered after the limit is cut off, and that is told", async () => {
  const reached = gate();
  const server = createServer(() => reached.resolve());
  await listen(server, { host: "127.0.0.1", port: 0 });
  const lost = fetch(urlOf(server, "127.0.0.1")).catch(() => "cut off");
  await reached.promise;
  expect(await stopListening(server, 1)).toBe(false);
  expect(await lost).toBe("cut off");
});
