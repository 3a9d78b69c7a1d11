import { request } from "node:http";
import { describe, expect, test } from "vitest";
import { startIssuer } from "../../support/issuer.ts";
import { temporaryFolder } from "../support/container.ts";
import { everythingFor } from "../support/grants.ts";
import { type EntryProcess, serverEntry, startEntry } from "../support/process.ts";

const issuers = JSON.stringify([{ issuer: "https://issuer.example", audience: "suite" }]);
const good = {
  HOST: "127.0.0.1",
  PORT: "0",
  METRICS_PORT: "0",
  DRAIN_SECONDS: "0",
  ALIEN_IMAGES_BINDING: '{"service":"local"}',
  ALIEN_OIDC_ISSUERS: issuers,
  ALIEN_ACCESS_RULES: everythingFor("https://issuer.example"),
};

async function start(env: Record<string, string> = {}): Promise<EntryProcess & { url: string }> {
  const server = await startEntry(serverEntry, { ...good, DATA_DIR: await temporaryFolder(), ...env });
  const address = () => /listening on (http:\S+),/.exec(server.stderr())?.[1];
  await expect.poll(address).toBeDefined();
  return { ...server, url: address() ?? "" };
}

describe("a stop", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("by %s ends with 0", async (signal) => {
    const server = await start();
    server.kill(signal);
    expect(await server.ended).toBe(0);
    expect(server.stderr()).toContain(`${signal}: not ready any more`);
  });

  test("by a second signal ends at once", async () => {
    const server = await start({ DRAIN_SECONDS: "300" });
    server.kill("SIGTERM");
    await expect.poll(server.stderr).toContain("SIGTERM");
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503);
    server.kill("SIGTERM");
    expect(await server.ended).toBe(1);
  });
});

test("the audit log on stdout is JSON lines and nothing else, without a token or a password", async () => {
  const issuer = await startIssuer();
  const server = await start({
    ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: "suite" }]),
    ALIEN_ACCESS_RULES: everythingFor(issuer.url),
  });
  const token = await issuer.sign();
  const ask = (body: string, authorization = `Bearer ${token}`) =>
    fetch(`${server.url}/v1/generateCredentials`, { method: "POST", headers: { authorization }, body });
  const input = { registry: "images", repoId: "my-app", permissions: "push-pull" };
  const { password } = (await (await ask(JSON.stringify(input))).json()) as { password: string };
  expect(password).toMatch(/^\S+\.\S+\.\S+$/);
  await ask("{", `Bearer ${token}x`);
  // The probes leave no line.
  await fetch(`${server.url}/readyz`);
  await new Promise((resolve) => request(`${server.url}/livez`, resolve).end());
  server.kill("SIGTERM");
  await server.ended;
  await issuer.stop();
  const lines = server.stdout().trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).outcome)).toEqual(["OK", "AUTHENTICATION_ERROR"]);
  for (const output of [server.stdout(), server.stderr()]) {
    expect(output).not.toContain(password);
    expect(output).not.toContain(token.split(".")[2]);
  }
});

describe("what cannot be used ends it with one line", () => {
  test("a setting", async () => {
    const server = await startEntry(serverEntry, { ...good, DATA_DIR: await temporaryFolder(), PORT: "http" });
    expect(await server.ended).toBe(1);
    expect(server.stdout()).toBe("");
    const lines = server.stderr().trim().split("\n");
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      level: "error",
      message: 'PORT must be a port number, not "http".',
    });
  });

  test("a port that is taken", async () => {
    const first = await start();
    const port = new URL(first.url).port;
    const second = await startEntry(serverEntry, { ...good, DATA_DIR: await temporaryFolder(), PORT: port });
    expect(await second.ended).toBe(1);
    expect(second.stderr()).toContain(`Port ${port} on 127.0.0.1 is in use. Set PORT`);
    first.kill("SIGKILL");
    await first.ended;
  });
});
