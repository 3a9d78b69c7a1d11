import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePorts } from "../../e2e/ports.ts";
import { type Issuer, startIssuer } from "../../support/issuer.ts";
import { call } from "../support/container.ts";
import { everythingFor } from "../support/grants.ts";
import { buildImage, type Image } from "./build.ts";
import { type RunningContainer, startContainer } from "./container.ts";

const folder = mkdtempSync(join(tmpdir(), "image-"));
let image: Image;
let issuer: Issuer;
let container: RunningContainer | undefined;
beforeAll(async () => {
  image = buildImage(folder);
  issuer = await startIssuer();
});
afterAll(async () => {
  container?.signal("SIGKILL");
  await container?.ended;
  await issuer?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("the image names a user by number, and its two programs by their paths", () => {
  expect(image.config).toMatchObject({
    User: "10001:10001",
    Entrypoint: ["/usr/local/bin/node"],
    Cmd: ["/app/server.js"],
  });
});

test("the container starts without root and without a writable file, answers its probes, and ends on SIGTERM", async () => {
  const [port, metricsPort] = await freePorts(2);
  const url = `http://127.0.0.1:${port}`;
  container = startContainer(image, folder, {
    HOST: "127.0.0.1",
    PORT: `${port}`,
    METRICS_PORT: `${metricsPort}`,
    DRAIN_SECONDS: "0",
    ALIEN_IMAGES_BINDING: '{"service":"external","registryUrl":"https://registry.example","repositoryPrefix":"images"}',
    ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: "suite" }]),
    ALIEN_ACCESS_RULES: everythingFor(issuer.url, "the-pipeline"),
  });
  const ready = async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.status;
  await expect.poll(ready).toBe(200);
  expect((await fetch(`${url}/livez`)).status).toBe(200);
  expect(await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()).toMatch(/^process_cpu_seconds_total/m);
  // All that a request needs on its way to a refusal is in the image.
  expect(await call(url, await issuer.sign({ sub: "a-stranger" }), "getRepository", { repoId: "a" })).toMatchObject({
    status: 403,
    body: { code: "ACCESS_DENIED" },
  });
  expect((await fetch(`${url}/openapi.json`)).status).toBe(200);

  // The server's own process, as its container sees it.
  const seen = JSON.parse(
    container.evaluate(`
      const fs = require("fs");
      const refusal = (path) => { try { fs.writeFileSync(path, "x"); return "written"; } catch (error) { return error.code; } };
      const status = fs.readFileSync("/proc/1/status", "utf8");
      const line = (name) => status.match(new RegExp("^" + name + ":\\\\s*(.*)$", "m"))[1].split(/\\s+/);
      console.log(JSON.stringify({
        command: fs.readFileSync("/proc/1/cmdline", "utf8").split("\\0").filter(Boolean),
        uid: line("Uid"), gid: line("Gid"), capabilities: line("CapEff"), noNewPrivileges: line("NoNewPrivs"),
        writes: ["/x", "/tmp/x", "/app/server.js", "/usr/local/bin/node"].map(refusal),
        shell: ["/bin/sh", "/bin/bash", "/usr/bin/env"].filter((path) => fs.existsSync(path)),
      }));`),
  );
  expect(seen).toEqual({
    command: ["/usr/local/bin/node", "/app/server.js"],
    uid: Array(4).fill("10001"),
    gid: Array(4).fill("10001"),
    capabilities: ["0000000000000000"],
    noNewPrivileges: ["1"],
    writes: [
      expect.stringMatching(/^(?:EROFS|EACCES)$/),
      expect.stringMatching(/^(?:EROFS|ENOENT)$/),
      "EROFS",
      "EROFS",
    ],
    shell: [],
  });

  container.signal("SIGTERM");
  expect(await container.ended).toBe(0);
  expect(container.stdout()).toContain('"outcome":"ACCESS_DENIED"');
  container = undefined;
});

test("the refresher of pull secrets is in the same image", async () => {
  const refresher = startContainer(image, folder, {}, ["/app/refresh.js"]);
  expect(await refresher.ended).toBe(1);
  expect(refresher.stderr()).toContain("PULL_SECRET_NAME is missing.");
});
