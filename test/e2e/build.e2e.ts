import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createClient } from "../../oci/client/index.ts";
import { tool } from "../tools/tools.ts";
import type { Outcome } from "./clients.ts";
import { type Credentials, type Suite, startSuite } from "./server.ts";

const TIME_LIMIT_MS = 600_000;
const REFUSED = /unauthorized|denied|forbidden|authentication required|\b40[13]\b/i;

let suite: Suite;
let folder: string;
beforeAll(async () => {
  suite = await startSuite();
  folder = await mkdtemp(join(tmpdir(), "build-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await suite.stop();
});

async function mint(repoId: string, alsoPull: readonly string[] = []): Promise<Credentials> {
  const input = { registry: "images", repoId, permissions: "push-pull", ttlSeconds: 600, alsoPull };
  const { status, body } = await suite.call("generateCredentials", input);
  expect(status, JSON.stringify(body)).toBe(200);
  return body as unknown as Credentials;
}

/** Buildah on a machine that has nothing but one credential: no image, and no other password. */
async function machine(name: string, { username, password }: Credentials) {
  const home = join(folder, name);
  await mkdir(join(home, "context"), { recursive: true });
  await writeFile(join(home, "context/app.txt"), `from ${name}`);
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  const authFile = join(home, "auth.json");
  await writeFile(authFile, JSON.stringify({ auths: { [suite.registry]: { auth } } }), { mode: 0o600 });
  const buildah = (...args: string[]): Promise<Outcome> =>
    new Promise((resolve, reject) => {
      const env = {
        PATH: process.env.PATH,
        HOME: home,
        XDG_RUNTIME_DIR: home,
        TMPDIR: home,
        REGISTRY_AUTH_FILE: authFile,
      };
      const places = ["--root", join(home, "store"), "--runroot", join(home, "run"), "--storage-driver", "vfs"];
      const options = { env, timeout: TIME_LIMIT_MS };
      const child = execFile(tool("buildah"), [...places, ...args], options, (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== "number") return reject(error);
        resolve({ ok: error === null, output: `${stdout}${stderr}` });
      });
      child.stdin?.end();
    });
  return {
    async build(from: string): Promise<Outcome> {
      await writeFile(join(home, "Containerfile"), `FROM ${from}\nCOPY app.txt /${name}.txt\n`);
      const flags = ["--isolation", "chroot", "--tls-verify=false", "--tag", "localhost/built"];
      return buildah("build", ...flags, "--file", join(home, "Containerfile"), join(home, "context"));
    },
    push: (reference: string) => buildah("push", "--tls-verify=false", "localhost/built", `docker://${reference}`),
  };
}

const done = ({ ok, output }: Outcome) => expect(ok, output).toBe(true);
const refused = ({ ok, output }: Outcome) => {
  expect(ok, output).toBe(false);
  expect(output).toMatch(REFUSED);
};

/** The digests of an image's layers, from the registry itself. */
async function layersOf(repository: string, credentials: Credentials): Promise<string[]> {
  const { username, password } = credentials;
  const client = createClient({ url: `http://${suite.registry}`, credentials: { username, password } });
  const { bytes } = await client.pullManifest(repository, "1.0");
  const manifest = JSON.parse(Buffer.from(bytes).toString()) as { layers: { digest: string }[] };
  return manifest.layers.map(({ digest }) => digest);
}

test("a build that starts from one repository pushes to another with one credential, and nowhere else", async () => {
  const [base, app, other] = await Promise.all(["base", "app", "other"].map((name) => suite.create(name)));
  if (base === undefined || app === undefined || other === undefined) throw new Error("A repository is missing.");
  const at = (repository: string) => `${suite.registry}/${repository}:1.0`;
  for (const repository of [base, other]) {
    const vendor = await machine(`vendor-of-${repository.replaceAll("/", "-")}`, await mint(repository));
    done(await vendor.build("scratch"));
    done(await vendor.push(at(repository)));
  }

  // Without the further repository the same build cannot even begin.
  refused(await (await machine("without", await mint(app))).build(at(base)));

  const credentials = await mint(app, ["base"]);
  const pipeline = await machine("pipeline", credentials);
  done(await pipeline.build(at(base)));
  done(await pipeline.push(at(app)));
  refused(await pipeline.push(at(base)));
  refused(await pipeline.build(at(other)));

  const [below, added, ...more] = await layersOf(app, credentials);
  expect([below]).toEqual(await layersOf(base, credentials));
  expect(added).toMatch(/^sha256:/);
  expect(more).toEqual([]);
  expect(suite.log()).toContain(`"alsoPull":["${base}"]`);
  expect(suite.log()).not.toContain(credentials.password);
});
