import { spawn } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createPlainServer } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { architectures, buildKubeletProvider, providerName, reproducible } from "../../../scripts/bundle/kubelet.ts";
import { createAuthority } from "../../emulators/azure/http/certificates.ts";
import { tool } from "../../tools/tools.ts";

const native = process.arch === "arm64" ? "arm64" : "amd64";
const dockerfile = readFileSync("functions/kubernetes/kubelet/Dockerfile", "utf8");
const folder = mkdtempSync(join(tmpdir(), "provider-"));
const built = (architecture: string) => join(folder, "built", architecture, providerName);
beforeAll(() => buildKubeletProvider(join(folder, "built")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const request = JSON.stringify({
  kind: "CredentialProviderRequest",
  apiVersion: "credentialprovider.kubelet.k8s.io/v1",
  image: "registry.example/images/web",
  serviceAccountToken: "a-token-of-a-test",
});
const answer = JSON.stringify({ authMethod: "basic", username: "token", password: "a-password", scope: "repository" });

/** Runs a program with the kubelet's request on its standard input. */
async function run(command: string, args: readonly string[], input: string, env: Record<string, string> = {}) {
  const child = spawn(command, args, { env: { PATH: process.env.PATH ?? "", ...env } });
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    said.stdout += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    said.stderr += chunk;
  });
  child.stdin.end(input);
  const [code] = await once(child, "close");
  return { code, ...said };
}

/** A root folder with the provider, its configuration and these files, and nothing else. */
function emptyRoot(architecture: string, entry: object, files: Readonly<Record<string, string>> = {}): string {
  const root = mkdtempSync(join(folder, "root-"));
  copyFileSync(built(architecture), join(root, "provider"));
  const usual = { images: "registry.example/images", registry: "images" };
  writeFileSync(join(root, "provider.conf"), JSON.stringify({ registries: [{ ...usual, ...entry }] }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(root, name, ".."), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

const everythingIn = (root: string) => readdirSync(root, { recursive: true, encoding: "utf8" }).sort();

async function listening<S extends Server | ReturnType<typeof createPlainServer>>(server: S): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise((resolve) => void server.close(() => resolve())));
  return (server.address() as AddressInfo).port;
}

describe.each(architectures)("the program for %s", (architecture) => {
  test("is one file that no other file is needed for", () => {
    const bytes = readFileSync(built(architecture));
    // ELF: the machine in e_machine (0x3e x86-64, 0xb7 AArch64), and no program header that names an interpreter (PT_INTERP, 3).
    expect(bytes.readUInt16LE(0x12)).toBe(architecture === "amd64" ? 0x3e : 0xb7);
    const [start, size, count] = [
      Number(bytes.readBigUInt64LE(0x20)),
      bytes.readUInt16LE(0x36),
      bytes.readUInt16LE(0x38),
    ];
    const kinds = Array.from({ length: count }, (_, index) => bytes.readUInt32LE(start + index * size));
    expect(kinds).not.toContain(3);
    expect(kinds).toContain(1);
  });

  test("is the same to the byte when it is built again, and tells nothing of this machine", async () => {
    await buildKubeletProvider(join(folder, "again"));
    const sum = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");
    expect(sum(join(folder, "again", architecture, providerName))).toBe(sum(built(architecture)));
    expect(readFileSync(built(architecture)).includes(process.cwd())).toBe(false);
  });
});

test("the Dockerfile builds it by the same command", () => {
  const said = dockerfile.replaceAll("\\\n", "").replace(/ {2,}/g, " ");
  const [trimpath, vcs, flags] = reproducible;
  expect(said).toContain(
    `CGO_ENABLED=0 GOOS=linux GOARCH="\${TARGETARCH}" GOAMD64=v1 GOARM64=v8.0 go build ${trimpath} ${vcs} "${flags}"`,
  );
});

test("in an empty root it finds the function by DNS alone, without a library, NSS or a file beside resolv.conf", async () => {
  const asked: string[] = [];
  const server = createPlainServer((incoming, response) => {
    asked.push(incoming.headers.host ?? "");
    response.writeHead(200, { "content-type": "application/json" }).end(answer);
  });
  const port = await listening(server);
  const names = await startNameServer("127.0.0.1");
  const entry = { function: `http://functions.test:${port}`, plainHttp: true };
  const root = emptyRoot(native, entry, { "etc/resolv.conf": `nameserver ${names.address}\n` });
  const before = everythingIn(root);
  const { code, stdout, stderr } = await run("chroot", [root, "/provider"], request);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(stdout)).toEqual({
    apiVersion: "credentialprovider.kubelet.k8s.io/v1",
    kind: "CredentialProviderResponse",
    cacheKeyType: "Image",
    auth: { "registry.example/images/web": { username: "token", password: "a-password" } },
  });
  expect(asked).toEqual([`functions.test:${port}`]);
  expect(names.asked).toContain("functions.test");
  // It writes nothing.
  expect(everythingIn(root)).toEqual(before);
});

test("it writes to no file, by the system calls", async () => {
  const port = await listening(createPlainServer((_, response) => response.end(answer)));
  const root = emptyRoot(native, { function: `http://127.0.0.1:${port}` });
  const trace = join(folder, "trace");
  const calls = ["-f", "-qq", "-e", "trace=%file", "-o", trace];
  const { code } = await run(tool("strace"), [...calls, join(root, "provider")], request);
  expect(code).toBe(0);
  const opened = readFileSync(trace, "utf8").split("\n");
  expect(opened.some((line) => line.includes("provider.conf"))).toBe(true);
  const writes = /O_WRONLY|O_RDWR|O_CREAT|\b(?:mkdir|rename|link|symlink|unlink|truncate|chmod|mknod)(?:at2?)?\(/;
  expect(opened.filter((line) => writes.test(line))).toEqual([]);
});

test("in an empty root it trusts the CA file of its configuration, and nobody without one", async () => {
  const { ca, server: certificate } = await createAuthority();
  expect(new X509Certificate(ca).ca).toBe(true);
  const port = await listening(createServer({ ...certificate }, (_, response) => response.end(answer)));
  const url = `https://127.0.0.1:${port}`;
  const trusting = emptyRoot(native, { function: url, caFile: "ca.crt" }, { "ca.crt": ca });
  expect(await run("chroot", [trusting, "/provider"], request)).toMatchObject({ code: 0, stderr: "" });
  const { code, stdout, stderr } = await run("chroot", [emptyRoot(native, { function: url }), "/provider"], request);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/certificate is not trusted: .*caFile names the CA certificates/);
  expect(stderr).not.toContain("a-token-of-a-test");
});

test("it goes through the proxy that the environment names, with the tunnel's certificate checked", async () => {
  const { ca, server: certificate } = await createAuthority();
  const port = await listening(createServer({ ...certificate }, (_, response) => response.end(answer)));
  const tunnels: string[] = [];
  const proxy = createPlainServer();
  const { connect } = await import("node:net");
  proxy.on("connect", (incoming, client) => {
    tunnels.push(incoming.url ?? "");
    const onward = connect(port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      client.pipe(onward).pipe(client);
    });
    for (const side of [onward, client]) side.on("error", () => {});
  });
  const proxyPort = await listening(proxy);
  // Go asks no proxy for loopback addresses: a name that only the proxy knows.
  const root = emptyRoot(native, { function: "https://functions.test", caFile: "ca.crt" }, { "ca.crt": ca });
  const env = { HTTPS_PROXY: `http://127.0.0.1:${proxyPort}` };
  const refused = await run(join(root, "provider"), [], request, env);
  expect(tunnels).toEqual(["functions.test:443"]);
  // The certificate is for 127.0.0.1: the tunnel was made, and its other end is not believed.
  expect(refused.stderr).toContain("certificate is not trusted");
  const direct = await run(join(root, "provider"), [], request, { ...env, NO_PROXY: "functions.test" });
  expect(direct.stderr).toContain("cannot be reached");
  expect(tunnels).toHaveLength(1);
});

test("the program for arm64 answers under qemu, in an empty root", async () => {
  const port = await listening(createPlainServer((_, response) => response.end(answer)));
  const root = emptyRoot("arm64", { function: `http://127.0.0.1:${port}` });
  copyFileSync(tool("qemu-aarch64-static"), join(root, "qemu"));
  const { code, stdout, stderr } = await run(
    "chroot",
    [root, "/qemu", "/provider", "-config", "/provider.conf"],
    request,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(stdout).auth["registry.example/images/web"].password).toBe("a-password");
});

test("it installs itself and the files beside it into a folder of the node", async () => {
  const root = emptyRoot(native, { function: "https://functions.test" });
  const { code, stdout } = await run(
    "chroot",
    [root, "/provider", "install", "-to", "/node/plugins", "/provider.conf"],
    "",
  );
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: "installed /node/plugins/provider.conf\ninstalled /node/plugins/provider\n",
  });
  expect(readFileSync(join(root, "node/plugins/provider"))).toEqual(readFileSync(built(native)));
});

interface NameServer {
  readonly address: string;
  readonly asked: string[];
}

/** Answers A queries on port 53 of a loopback address of its own, since resolv.conf names no ports. */
async function startNameServer(answerWith: string): Promise<NameServer> {
  const asked: string[] = [];
  const socket: Socket = createSocket("udp4");
  const address = `127.${1 + Math.floor(Math.random() * 250)}.${1 + Math.floor(Math.random() * 250)}.53`;
  socket.on("message", (query, from) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
      labels.push(query.toString("latin1", at + 1, at + 1 + length));
      at += 1 + length;
    }
    asked.push(labels.join("."));
    const question = query.subarray(12, at + 5);
    const isA = query.readUInt16BE(at + 1) === 1;
    // RFC 1035, 4.1: an answer without recursion's doubts, one question, and for type A one record that points to its name.
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8580, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(isA ? 1 : 0, 6);
    const record = Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...answerWith.split(".").map(Number)]);
    socket.send(Buffer.concat([header, question, ...(isA ? [record] : [])]), from.port, from.address);
  });
  socket.bind(53, address);
  await once(socket, "listening");
  onTestFinished(() => new Promise((resolve) => void socket.close(() => resolve())));
  return { address, asked };
}
