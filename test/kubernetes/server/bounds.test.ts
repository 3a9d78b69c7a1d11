import { connect } from "node:net";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { answersIn } from "../../bytes/wire.ts";
import { type Issuer, startIssuer } from "../../support/issuer.ts";
import { call, serve } from "../support/container.ts";
import { fakePlatform } from "../support/fake-platform.ts";
import { everythingFor } from "../support/grants.ts";

let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer();
});
afterAll(() => issuer.stop());

const environment = () => ({
  ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: "suite" }]),
  ALIEN_ACCESS_RULES: everythingFor(issuer.url),
  ALIEN_CALLER_REQUESTS_PER_SECOND: "0",
});

/** Sends bytes on so many connections, and nothing more. @returns what came back on the first that was ended */
async function begin(url: string, count: number, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const ended: Promise<string>[] = [];
  for (let i = 0; i < count; i++) {
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    let received = "";
    socket
      .on("error", () => undefined)
      .on("data", (chunk) => {
        received += chunk;
      });
    ended.push(new Promise((resolve) => socket.once("close", () => resolve(received))));
    await new Promise<void>((resolve) => socket.write(text, () => resolve()));
  }
  return Promise.any(ended);
}

const unfinishedHead = "POST /v1/getRepository HTTP/1.1\r\nHost: here\r\n";

test("headers that do not end keep no caller from an answer, and those who wait longest are told why they go", async () => {
  const served = await serve({ ...environment(), MAX_CONNECTIONS: "10" }, fakePlatform());
  const [answer] = answersIn(await begin(served.url, 25, unfinishedHead));
  expect(answer).toMatchObject({ status: 503, headers: { connection: "close", "retry-after": "1" } });
  expect(JSON.parse(answer?.body ?? "")).toMatchObject({
    code: "SERVICE_UNAVAILABLE",
    retryable: true,
    httpStatusCode: 503,
    requestId: answer?.headers["x-request-id"],
  });
  expect(await call(served.url, await issuer.sign(), "getRepository", { repoId: "x" })).toMatchObject({ status: 200 });
  // It was no operation, so the audit log has nothing of it.
  expect(served.audit).toHaveLength(1);
});

test("nor do those on the port of the metrics keep Prometheus from its own", async () => {
  const served = await serve(environment(), fakePlatform());
  await begin(served.metricsUrl, 60, unfinishedHead);
  expect(await served.metrics()).toContain("artifact_registry_requests_in_flight");
});

test("of bodies that do not end, 8 MiB are held, and small ones are answered beside them", async () => {
  const served = await serve(environment(), fakePlatform());
  const token = await issuer.sign();
  const head = `${unfinishedHead}Authorization: Bearer ${token}\r\nContent-Length: 60000\r\n\r\n`;
  // Of each 4 KiB are free: 151 fit.
  const [answer] = answersIn(await begin(served.url, 155, head + "a".repeat(59_000)));
  expect(answer).toMatchObject({ status: 503 });
  expect(await call(served.url, token, "getRepository", { repoId: "x" })).toMatchObject({ status: 200 });
  // Those who were sent away were callers, so the audit log has a line for each.
  await expect.poll(() => served.audit.filter(({ outcome }) => outcome === "TIMEOUT").length).toBeGreaterThanOrEqual(4);
  expect(served.audit.filter(({ outcome }) => outcome === "OK")).toHaveLength(1);
});
