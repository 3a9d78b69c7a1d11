import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePorts } from "../../e2e/ports.ts";
import { type Issuer, startIssuer } from "../../support/issuer.ts";
import { call } from "../support/container.ts";
import { everythingFor } from "../support/grants.ts";
import { buildImage, type Image } from "./build.ts";
import { type RunningContainer, type Start, startContainer } from "./container.ts";

let issuer: Issuer;
beforeAll(async () => {
  issuer = await startIssuer();
});
afterAll(() => issuer?.stop());

describe.each(["amd64", "arm64"] as const)("the image for %s", (architecture) => {
  const folder = mkdtempSync(join(tmpdir(), "image-"));
  let image: Image;
  let container: RunningContainer | undefined;
  beforeAll(() => {
    image = buildImage(folder, architecture);
  });
  afterAll(async () => {
    container?.signal("SIGKILL");
    await container?.ended;
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts the server, and waits until it is ready. */
  async function startServer(start: Start = {}): Promise<RunningContainer & { url: string; metricsUrl: string }> {
    const [port, metricsPort] = await freePorts(2);
    const env = {
      HOST: "127.0.0.1",
      PORT: `${port}`,
      METRICS_PORT: `${metricsPort}`,
      DRAIN_SECONDS: "0",
      ALIEN_IMAGES_BINDING:
        '{"service":"external","registryUrl":"https://registry.example","repositoryPrefix":"images"}',
      ALIEN_OIDC_ISSUERS: JSON.stringify([{ issuer: issuer.url, audience: "suite" }]),
      ALIEN_ACCESS_RULES: everythingFor(issuer.url, "the-pipeline"),
    };
    const started = startContainer(image, folder, { ...start, env: { ...env, ...start.env } });
    container = started;
    const url = `http://127.0.0.1:${port}`;
    const ready = async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.status;
    await expect.poll(ready).toBe(200);
    return { ...started, url, metricsUrl: `http://127.0.0.1:${metricsPort}/metrics` };
  }

  async function stop({ signal, ended }: RunningContainer): Promise<void> {
    signal("SIGTERM");
    expect(await ended).toBe(0);
    container = undefined;
  }

  test("is for this processor, and names a user by number and its two programs by their paths", () => {
    expect(image).toMatchObject({
      architecture,
      config: { User: "10001:10001", Entrypoint: ["/usr/local/bin/node"], Cmd: ["/app/server.js"] },
    });
  });

  test("starts without root and without a writable file, answers its probes, and ends on SIGTERM", async () => {
    const server = await startServer();
    const { url } = server;
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    expect(await (await fetch(server.metricsUrl)).text()).toMatch(/^process_cpu_seconds_total/m);
    // All that a request needs on its way to a refusal is in the image.
    expect(await call(url, await issuer.sign({ sub: "a-stranger" }), "getRepository", { repoId: "a" })).toMatchObject({
      status: 403,
      body: { code: "ACCESS_DENIED" },
    });
    expect((await fetch(`${url}/openapi.json`)).status).toBe(200);

    // The server's own process, as its container sees it.
    const seen = JSON.parse(
      server.evaluate(`
      const fs = require("fs");
      const refusal = (path) => { try { fs.writeFileSync(path, "x"); return "written"; } catch (error) { return error.code; } };
      const status = fs.readFileSync("/proc/1/status", "utf8");
      const line = (name) => status.match(new RegExp("^" + name + ":\\\\s*(.*)$", "m"))[1].split(/\\s+/);
      console.log(JSON.stringify({
        command: fs.readFileSync("/proc/1/cmdline", "utf8").split("\\0").filter((each) => each && each !== "/qemu"),
        uid: line("Uid"), gid: line("Gid"), capabilities: line("CapEff"), noNewPrivileges: line("NoNewPrivs"),
        writes: ["/x", "/tmp/x", "/app/server.js", "/usr/local/bin/node"].map(refusal),
        programs: ["/bin", "/sbin", "/usr/bin", "/usr/sbin"].filter((path) => fs.existsSync(path)),
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
      programs: [],
    });
    await stop(server);
    expect(server.stdout()).toContain('"outcome":"ACCESS_DENIED"');
  });

  test("runs as a user whom nobody knows, as OpenShift chooses one", async () => {
    const server = await startServer({ user: { uid: 1_000_660_000, gid: 0 } });
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    await stop(server);
  });

  test("has Debian's CA certificates and time zones, and finds names in files and by DNS", async () => {
    const dns = createSocket("udp4", (question, { port, address }) => {
      // One question, and for an A record the answer 192.0.2.7.
      const end = question.indexOf(0, 12) + 5;
      const isA = question.readUInt16BE(end - 4) === 1;
      const head = Buffer.from([...question.subarray(0, 2), 0x81, 0x80, 0, 1, 0, isA ? 1 : 0, 0, 0, 0, 0]);
      const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
      dns.send(Buffer.concat([head, question.subarray(12, end), isA ? record : Buffer.alloc(0)]), port, address);
    });
    dns.bind(53, "127.0.0.77");
    await once(dns, "listening");
    const file = (name: string, content: string) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const files = {
      "/etc/hosts": file("hosts", "192.0.2.1 registry.example\n"),
      "/etc/resolv.conf": file("resolv.conf", "nameserver 127.0.0.77\n"),
      "/app/look.js": file(
        "look.js",
        `import { lookup } from "node:dns/promises";
        import fs from "node:fs";
        import tls from "node:tls";
        const address = async (name) => (await lookup(name, { family: 4 })).address;
        console.log(JSON.stringify({
          names: [await address("registry.example"), await address("other.example")],
          certificates: tls.getCACertificates("system").length > 100,
          zone: fs.readFileSync("/usr/share/zoneinfo/Europe/Berlin").subarray(0, 4).toString(),
          time: new Date("2026-07-01T12:00:00Z").getHours(),
          packages: fs.readdirSync("/var/lib/dpkg/status.d").filter((name) => !/^gcc-/.test(name)),
        }));`,
      ),
    };
    const looking = startContainer(image, folder, { files, args: ["/app/look.js"], env: { TZ: "Europe/Berlin" } });
    const code = await looking.ended;
    dns.close();
    expect([code, looking.stderr()]).toEqual([0, ""]);
    expect(JSON.parse(looking.stdout())).toEqual({
      names: ["192.0.2.1", "192.0.2.7"],
      certificates: true,
      zone: "TZif",
      time: 14,
      packages: ["ca-certificates", "libc6", "libgcc-s1", "libstdc++6", "tzdata"],
    });
  });

  test("has the refresher of pull secrets", async () => {
    const refresher = startContainer(image, folder, { args: ["/app/refresh.js"] });
    expect(await refresher.ended).toBe(1);
    expect(refresher.stderr()).toContain("PULL_SECRET_NAME is missing.");
  });
});
