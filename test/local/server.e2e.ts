import { execFile } from "node:child_process";
import { chmod, mkdir, readdir, readFile, stat, unlink, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { serveLocal } from "../../functions/local/serve.ts";
import { createClient, pullImage, pushImage } from "../../oci/client/index.ts";
import { root } from "../docs/pages.ts";
import { buildImage } from "../oci/client/images.ts";
import { call, runServer, startServer, withFolder } from "./process.ts";

const token = "a-token-of-this-test";
const run = promisify(execFile);

describe("the local server", () => {
  test("works with no configuration: create, credentials, push, pull, refused elsewhere, and still there after a restart", () =>
    withFolder(async (folder) => {
      const server = await startServer({ DATA_DIR: folder });
      const made = /ALIEN_CALLER_TOKEN=(\S+)/.exec(server.output())?.[1] ?? "";
      const { body: repository } = await call(server.apiUrl, made, "createRepository", {
        registry: "images",
        name: "my-app",
      });
      expect(repository).toMatchObject({
        name: "images/my-app",
        uri: `${new URL(server.registryUrl).host}/images/my-app`,
      });
      const mint = async (url: string, caller: string, permissions: string) => {
        const input = { registry: "images", repoId: "images/my-app", permissions };
        const { password } = (await call(url, caller, "generateCredentials", input)).body;
        return { username: "token", password: String(password) };
      };
      const image = buildImage({ seed: "no configuration", layers: [100, 100_000] });
      const client = createClient({
        url: server.registryUrl,
        credentials: await mint(server.apiUrl, made, "push-pull"),
      });
      await pushImage(client, "images/my-app", "1.0", image);
      await expect(pushImage(client, "images/other", "1.0", image)).rejects.toMatchObject({ status: 401 });
      expect(await server.stop()).toBe(0);

      const again = await startServer({ DATA_DIR: folder, ALIEN_CALLER_TOKEN: token });
      const later = createClient({ url: again.registryUrl, credentials: await mint(again.apiUrl, token, "pull") });
      expect(await pullImage(later, "images/my-app", "1.0")).toEqual(image);
      const got = await call(again.apiUrl, token, "getRepository", { registry: "images", repoId: "my-app" });
      expect(got.body.createdAt).toBe(repository.createdAt);
      expect(again.output()).not.toContain(token);
      expect(await again.stop()).toBe(0);
    }));

  test("without rules the caller token may push; with a rule that has no permissions it may not, and the start says so", () =>
    withFolder(async (folder) => {
      const rule = {
        callers: [{ issuer: "door", subject: "local" }],
        operations: ["*"],
        registries: ["*"],
        repositories: ["*"],
      };
      const answers: unknown[] = [];
      for (const rules of [undefined, [rule], [{ ...rule, permissions: ["pull", "push-pull"] }]]) {
        const env = { DATA_DIR: folder, ALIEN_CALLER_TOKEN: token };
        const server = await startServer({ ...env, ...(rules && { ALIEN_ACCESS_RULES: JSON.stringify(rules) }) });
        await call(server.apiUrl, token, "createRepository", { registry: "images", name: "my-app" });
        const input = { registry: "images", repoId: "my-app", permissions: "push-pull" };
        const { body } = await call(server.apiUrl, token, "generateCredentials", input);
        await server.stop();
        answers.push([body.code ?? "OK", server.output().match(/^warning: .*$/gm)]);
      }
      const warning = expect.stringMatching(/^warning: Access rule 0 \(callers: door local\) .* no "permissions"/);
      expect(answers).toEqual([
        ["OK", null],
        ["ACCESS_DENIED", [warning]],
        ["OK", null],
      ]);
    }));

  test("keeps its signing key to itself", () =>
    withFolder(async (folder) => {
      const server = await startServer({ DATA_DIR: folder, ALIEN_CALLER_TOKEN: token });
      expect((await stat(join(folder, "token.key"))).mode & 0o777).toBe(0o600);
      await server.stop();
    }));

  test("mints what its registry takes, also when the key's file was removed meanwhile", () =>
    withFolder(async (folder) => {
      const server = await startServer({ DATA_DIR: folder, ALIEN_CALLER_TOKEN: token });
      await unlink(join(folder, "token.key"));
      const input = { registry: "images", repoId: "app", permissions: "push-pull" };
      const { password } = (await call(server.apiUrl, token, "generateCredentials", input)).body;
      const client = createClient({
        url: server.registryUrl,
        credentials: { username: "token", password: String(password) },
      });
      await pushImage(client, "images/app", "1.0", buildImage({ seed: "the key is gone", layers: [100] }));
      await server.stop();
    }));

  test("mints again after its key file was mended", () =>
    withFolder(async (folder) => {
      // A binding that names a folder reads the key there; without one the adapter shares the key that the server holds.
      const binding = JSON.stringify({ service: "local", dataDir: folder });
      const server = await startServer({ DATA_DIR: folder, ALIEN_CALLER_TOKEN: token, ALIEN_IMAGES_BINDING: binding });
      const file = join(folder, "token.key");
      const key = await readFile(file);
      const mint = () =>
        call(server.apiUrl, token, "generateCredentials", {
          registry: "images",
          repoId: "images/my-app",
          permissions: "pull",
        });
      // The server holds the key already; this adapter reads it when it first mints.
      await writeFile(file, "no key");
      for (let i = 0; i < 2; i += 1) expect((await mint()).body.code).toBe("INTERNAL_ERROR");
      await writeFile(file, key);
      const { status, body } = await mint();
      expect(status).toBe(200);
      const client = createClient({
        url: server.registryUrl,
        credentials: { username: "token", password: String(body.password) },
      });
      await client.ping();
      expect(await server.stop()).toBe(0);
    }));

  test("listens on loopback only", () =>
    withFolder(async (folder) => {
      const server = await startServer({ DATA_DIR: folder });
      expect(new URL(server.apiUrl).hostname).toBe("127.0.0.1");
      expect(new URL(server.registryUrl).hostname).toBe("127.0.0.1");
      await server.stop();
    }));

  test("prints commands that work as they are pasted, also in a shell that binds a function to the registry", () =>
    withFolder(async (folder) => {
      const ALIEN_IMAGES_BINDING = '{"service":"function","url":"http://127.0.0.1:8080","platform":"local"}';
      const server = await startServer({ DATA_DIR: join(folder, "data"), ALIEN_IMAGES_BINDING });
      const commands = server.output().match(/^ {2}(?:export DATA_DIR=|npx alien-registry ).*$/gm) ?? [];
      expect(commands.map((line) => line.trim().split(" ")[2] ?? "export")).toEqual([
        "export",
        "create",
        "login",
        "push",
        "pull",
      ]);
      const pasted = await run("bash", ["-ec", commands.join("\n").replaceAll("./pulled", join(folder, "pulled"))], {
        cwd: root,
        env: { PATH: process.env.PATH, HOME: folder, NO_COLOR: "1" },
      });
      const uri = `${new URL(server.registryUrl).host}/images/my-app`;
      expect(pasted.stdout).toContain(`Pushed  ${uri}:1.0\n`);
      expect(pasted.stdout).toContain(`Pulled    ${uri}:1.0\n`);
      expect((await readdir(join(folder, "pulled"))).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
      expect(await server.stop()).toBe(0);
      expect(await readdir(join(folder, "data"))).not.toContain("server.json");
    }));

  test("behind the door oidc it prints whose tokens count, and none of its own", () =>
    withFolder(async (folder) => {
      const issuers = [
        { issuer: "https://issuer.example", audience: "artifact-registry", jwksUri: "https://issuer.example/keys" },
      ];
      const server = await startServer({
        DATA_DIR: folder,
        ALIEN_DOOR: "oidc",
        ALIEN_OIDC_ISSUERS: JSON.stringify(issuers),
        ALIEN_ACCESS_RULES: "[]",
      });
      expect(server.output()).toContain("#   https://issuer.example, for the audience artifact-registry\n");
      expect(server.output().match(/ALIEN_CALLER_TOKEN=.*/g)).toEqual(["ALIEN_CALLER_TOKEN=..."]);
      expect(JSON.parse(await readFile(join(folder, "server.json"), "utf8"))).toEqual({
        url: server.apiUrl,
        registries: ["images"],
      });
      expect(await server.stop()).toBe(0);
    }));

  test.each(["SIGTERM", "SIGINT"] as const)("on %s finishes the push that is in flight", (signal) =>
    withFolder(async (folder) => {
      const server = await startServer({ DATA_DIR: folder, ALIEN_CALLER_TOKEN: token });
      const input = { registry: "images", repoId: "app", permissions: "push-pull" };
      const { password } = (await call(server.apiUrl, token, "generateCredentials", input)).body;
      const authorization = `Bearer ${password}`;
      const begun = await fetch(`${server.registryUrl}/v2/images/app/blobs/uploads/`, {
        method: "POST",
        headers: { authorization },
      });
      const location = new URL(begun.headers.get("location") ?? "", server.registryUrl);
      let sendRest: () => void = () => undefined;
      const rest = new Promise<void>((resolve) => {
        sendRest = resolve;
      });
      const body = new ReadableStream<Uint8Array>({
        async start(controller) {
          controller.enqueue(Buffer.alloc(2_000_000));
          await rest;
          controller.enqueue(Buffer.alloc(2_000_000));
          controller.close();
        },
      });
      const pushing = fetch(location, {
        method: "PATCH",
        headers: { authorization },
        body,
        duplex: "half",
      } as RequestInit);
      const uploaded = async () => {
        const [file] = await readdir(join(folder, "uploads"));
        return file === undefined ? 0 : (await stat(join(folder, "uploads", file))).size;
      };
      await expect.poll(uploaded).toBeGreaterThan(0);
      const ended = server.stop(signal);
      // It takes nobody in any more; who is inside is waited for.
      await expect.poll(() => fetch(server.apiUrl).catch(() => "closed")).toBe("closed");
      await expect.poll(() => fetch(server.registryUrl).catch(() => "closed")).toBe("closed");
      sendRest();
      expect((await pushing).status).toBe(202);
      expect(await ended).toBe(0);
    }),
  );

  test.each(["", "GET / HT", "GET /healthz HTTP/1.1\r\nHost: here\r\n"])(
    "stops although a client has sent no more than %j",
    (bytes) =>
      withFolder(async (folder) => {
        const env = { DATA_DIR: folder, PORT: "0", REGISTRY_PORT: "0", ALIEN_CALLER_TOKEN: token };
        const suite = await serveLocal(env, { graceMs: 100 });
        const { hostname, port } = new URL(suite.url);
        const client = connect(Number(port), hostname);
        const ended = new Promise((resolve) => client.once("close", resolve));
        client.on("error", () => undefined);
        await new Promise<void>((resolve) => client.once("connect", () => client.write(bytes, () => resolve())));
        expect((await fetch(`${suite.url}/healthz`)).status).toBe(200);
        await suite.close();
        await ended;
      }),
  );

  describe("refuses to start with one clear line and exit 1", () => {
    const oneLine = /^error: [^\n]+\n$/;

    test.each(["PORT", "REGISTRY_PORT"])("when %s is in use", (variable) =>
      withFolder(async (folder) => {
        const taken = createServer();
        await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
        const { port } = taken.address() as { port: number };
        await mkdir(join(folder, "uploads"));
        await writeFile(join(folder, "uploads", "half"), "half");
        const { code, stderr } = await runServer({ DATA_DIR: folder, [variable]: String(port) });
        expect([code, stderr]).toEqual([1, expect.stringMatching(oneLine)]);
        expect(stderr).toContain(`Port ${port}`);
        expect(stderr).toContain(variable);
        await new Promise((resolve) => taken.close(resolve));
        // What the last server left unfinished belongs to whoever has the folder, which this one never had.
        expect(await readFile(join(folder, "uploads", "half"), "utf8")).toBe("half");
      }),
    );

    test("when the data folder is a file, or lies in one", () =>
      withFolder(async (folder) => {
        const file = join(folder, "file");
        await writeFile(file, "");
        for (const DATA_DIR of [file, join(file, "below")]) {
          const { code, stderr } = await runServer({ DATA_DIR });
          expect([code, stderr]).toEqual([1, expect.stringMatching(oneLine)]);
          expect(stderr).toContain(file);
        }
      }));

    test("when the data folder cannot be written", () =>
      withFolder(async (folder) => {
        const shut = join(folder, "shut");
        await mkdir(shut);
        for (const each of [folder, shut]) await chmod(each, 0o555);
        // The super-user may write everywhere, so the server runs as somebody else.
        const { code, stderr } = await runServer({ DATA_DIR: shut }, process.getuid?.() === 0 ? 65_534 : undefined);
        await chmod(folder, 0o755);
        expect([code, stderr]).toEqual([1, expect.stringMatching(oneLine)]);
        expect(stderr).toContain(shut);
      }));

    test("when another server has the data folder", () =>
      withFolder(async (folder) => {
        const server = await startServer({ DATA_DIR: folder });
        const { code, stderr } = await runServer({ DATA_DIR: folder });
        expect([code, stderr]).toEqual([1, expect.stringMatching(oneLine)]);
        expect(stderr).toContain(`in use by process ${server.child.pid} on `);
        await server.stop();
      }));

    test.each<[variable: string, value: string, says: string]>([
      ["PORT", "eighty", "PORT must be a port number"],
      ["REGISTRY_PORT", "70000", "REGISTRY_PORT must be a port number"],
      ["HOST", "no.such.host.invalid", "HOST"],
      ["REGISTRY_URL", "ftp://x", "REGISTRY_URL"],
      ["ALIEN_CALLER_TOKEN", "short", "ALIEN_CALLER_TOKEN"],
      ["ALIEN_IMAGES_BINDING", "{", "ALIEN_IMAGES_BINDING: it is not JSON"],
      ["ALIEN_IMAGES_BINDING", '{"service":"ecr"}', 'no service "ecr"'],
      ["ALIEN_IMAGES_BINDING", '{"service":"local","dataDri":"x"}', '"dataDri"'],
      ["ALIEN_BUILDS_BINDING", '{"service":"local","registryUrl":5}', '"registryUrl"'],
      ["ALIEN_IMAGES_DEV_BINDING", '{"service":"local"}', "overlap"],
      ["ALIEN_REGISTRIES", "my-images,my_images", "ALIEN_MY_IMAGES_BINDING"],
      ["ALIEN_ACCESS_RULES", "[{}]", "callers"],
      ["ALIEN_ACCESS_RULES_FILE", "/does/not/exist", "/does/not/exist"],
      ["ALIEN_DOOR", "window", "ALIEN_DOOR"],
      // Nobody stands in front of the server who would have asked who calls: these doors would let in everybody.
      ...["invoke", "provision", "events", "platform", ""].map((door): [string, string, string] => [
        "ALIEN_DOOR",
        door,
        "ALIEN_DOOR must be oidc, or unset",
      ]),
      ["ALIEN_DOOR", "oidc", "ALIEN_OIDC_ISSUERS"],
    ])("when %s is %s", (variable, value, says) =>
      withFolder(async (folder) => {
        const { code, stdout, stderr } = await runServer({ DATA_DIR: folder, [variable]: value });
        expect([code, stdout, stderr]).toEqual([1, "", expect.stringMatching(oneLine)]);
        expect(stderr).toContain(says);
      }),
    );
  });
});
