import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { buildImage } from "../oci/client/images.ts";
import type { Outcome } from "./clients.ts";
import { type HelperClients, helperClients } from "./credential-helper/clients.ts";
import { type Account, dockerConfig, filesWith } from "./credential-helper/home.ts";
import { type Installed, installHelper } from "./credential-helper/install.ts";
import { startPasswordStore } from "./credential-helper/store.ts";
import { digestsIn, digestsOf, writeLayout } from "./layout.ts";
import { type Suite, startSuite } from "./server.ts";

const clients = ["skopeo", "crane", "podman", "buildah"] as const;
const REFUSED = /unauthorized|denied|forbidden|authentication required|\b40[13]\b/i;
const images = { v1: buildImage({ seed: "v1", layers: [1_000, 300_000] }), v2: buildImage({ seed: "v2" }) };

let suite: Suite;
let folder: string;
let helper: Installed;
let homes = 0;
beforeAll(async () => {
  suite = await startSuite();
  folder = await mkdtemp(join(tmpdir(), "helper-"));
  helper = await installHelper(join(folder, "installed"));
  await writeLayout(join(folder, "v1"), images.v1, "v1");
  await writeLayout(join(folder, "v2"), images.v2, "v1");
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await suite.stop();
});

const done = <Some extends Outcome>(outcome: Some): Some => {
  expect(outcome.ok, outcome.output).toBe(true);
  return outcome;
};
const refused = (outcome: Outcome) => {
  expect(outcome.ok, outcome.output).toBe(false);
  expect(outcome.output).toMatch(REFUSED);
};

/** A repository, and a folder for what clients of one test write. */
async function at(name: string) {
  const repository = await suite.create(`${name}-${randomUUID().slice(0, 8)}`);
  // Podman takes no longer path than 50 characters for what it keeps while it runs.
  const home = join(folder, `${++homes}`);
  const binding = { service: "function", url: suite.url, platform: "local" };
  const reference = (tag: string) => `${suite.registry}/${repository}:${tag}`;
  /** Clients under a Docker configuration of their own. */
  const open = async (
    account: Partial<Account>,
    cache?: string,
  ): Promise<HelperClients & { env: Record<string, string> }> => {
    const whole = { registry: "images", repository, binding, ...account };
    const config = await dockerConfig(join(home, `docker-${randomUUID()}`), suite.registry, whole, cache);
    const env = { PATH: helper.path, ALIEN_CALLER_TOKEN: suite.callerToken, ...config };
    return { ...(await helperClients(home, env)), env };
  };
  return { repository, home, reference, open };
}

/** The registry's answer to a login. */
async function status(repository: string, { username, password }: { username: string; password: string }) {
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  return (await fetch(`http://${suite.registry}/v2/${repository}/tags/list`, { headers: { authorization } })).status;
}

test("skopeo, crane, podman and buildah push and pull without a password, before and after an expiry", async () => {
  const { repository, home, reference, open } = await at("app");
  const ttlSeconds = 20;
  const puller = await open({ ttlSeconds });
  const pusher = await open({ ttlSeconds, permissions: "push-pull" });
  const before = (await helper.runs()).length;

  const round = async (version: "v1" | "v2") => {
    const image = images[version];
    done(await pusher.push("skopeo", join(folder, version), reference(version)));
    done(await pusher.push("crane", join(folder, version), reference(`${version}-crane`)));
    for (const name of clients) {
      const { output, into } = done(await puller.pull(name, reference(version)));
      if (name === "skopeo" || name === "crane") expect(await digestsIn(into)).toEqual(digestsOf(image));
      else expect(output).toContain(JSON.parse(image.manifest.bytes.toString()).config.digest.slice("sha256:".length));
    }
    for (const name of ["podman", "buildah"] as const) {
      done(await pusher.push(name, reference(version), reference(`${version}-${name}`)));
      done(await puller.pull("skopeo", reference(`${version}-${name}`)));
    }
  };
  await round("v1");
  const first = await helper.runs();
  // Whatever the clients got was minted before these, for the same seconds: it ends with them at the latest.
  const last = await Promise.all([puller, pusher].map(({ env }) => helper.get(suite.registry, env)));
  expect(await Promise.all(last.map((login) => status(repository, login)))).toEqual([200, 200]);
  const answers = () => Promise.all(last.map((login) => status(repository, login)));
  await expect.poll(answers, { interval: 500 }).toEqual([401, 401]);
  await round("v2");

  const runs = (await helper.runs()).slice(before);
  expect(runs.every(({ action, exitCode }) => action === "get" && exitCode === 0)).toBe(true);
  // Each of the ten commands of a round asked at least once.
  expect(runs.length).toBeGreaterThanOrEqual(2 * 10);
  const passwords = new Set(runs.map(({ password = "" }) => password));
  const old = new Set(first.map(({ password }) => password));
  expect([...passwords].filter((password) => !old.has(password)).length).toBeGreaterThanOrEqual(2);
  const secrets = [...passwords, suite.callerToken];
  expect(secrets.every((secret) => secret.length > 20)).toBe(true);

  const lines = (await Promise.all([puller.commandLines(), pusher.commandLines()])).join("");
  expect(lines).toContain('docker-credential-alien", "get"]');
  expect(secrets.filter((secret) => lines.includes(secret))).toEqual([]);
  // The server's own note for commands on its machine has the caller token, for its owner alone, and no password.
  expect(await filesWith([home, suite.dataDir], [...passwords])).toEqual([]);
  expect(await filesWith([home, suite.dataDir], secrets)).toEqual([join(suite.dataDir, "server.json")]);
  // The search finds what is there, and what Docker would have written.
  const [password = ""] = passwords;
  const auths = join(folder, "installed/auths");
  await writeFile(auths, Buffer.from(`token:${password}`).toString("base64"));
  expect(await filesWith([join(folder, "installed")], [password])).toEqual(
    expect.arrayContaining([auths, join(folder, "installed/record")]),
  );
});

describe("the configuration that a client runs under", () => {
  test("opens its own repository of the host, and not another's", async () => {
    const [one, two] = [await at("one"), await at("two")];
    const [ofOne, ofTwo] = [await one.open({ permissions: "push-pull" }), await two.open({ permissions: "push-pull" })];
    done(await ofOne.push("skopeo", join(folder, "v1"), one.reference("v1")));
    done(await ofTwo.push("crane", join(folder, "v2"), two.reference("v1")));
    for (const name of clients) {
      done(await ofOne.pull(name, one.reference("v1")));
      done(await ofTwo.pull(name, two.reference("v1")));
      refused(await ofOne.pull(name, two.reference("v1")));
      refused(await ofTwo.pull(name, one.reference("v1")));
    }
  });

  test("opens no push where it says pull", async () => {
    const { reference, open } = await at("app");
    const puller = await open({ permissions: "pull" });
    for (const name of ["skopeo", "crane"] as const)
      refused(await puller.push(name, join(folder, "v1"), reference("v1")));
  });

  test("tells clients of a helper that fails, and they do not go on without", async () => {
    const { reference, open } = await at("app");
    const puller = await open({ repository: "images/../elsewhere" });
    for (const name of clients) {
      const { ok, output } = await puller.pull(name, reference("v1"));
      expect(ok).toBe(false);
      expect(output).toContain("INVALID_INPUT");
    }
  });
});

test("what a store of the system keeps is encrypted, answered without the function, refreshed and forgotten", async () => {
  const [own, store] = await Promise.all([startSuite(), startPasswordStore(join(folder, "pass"))]);
  let stopped = false;
  onTestFinished(async () => {
    await store.stop();
    if (!stopped) await own.stop();
  });
  await own.create("app");
  const under = async (ttlSeconds: number) => {
    const binding = { service: "function", url: own.url, platform: "local" };
    const account = { registry: "images", repository: "app", binding, ttlSeconds };
    const config = await dockerConfig(join(folder, `cached-${ttlSeconds}`), own.registry, account, "pass");
    const path = `${helper.path}:${store.env.PATH}`;
    return { ...store.env, ...config, PATH: path, ALIEN_CALLER_TOKEN: own.callerToken };
  };
  const [lasting, short] = [await under(3600), await under(4)];
  const kept = await helper.get(own.registry, lasting);
  expect(await filesWith([join(folder, "pass"), lasting.DOCKER_CONFIG], [kept.password])).toEqual([]);

  const { password } = await helper.get(own.registry, short);
  const now = async () => (await helper.get(own.registry, short)).password;
  await expect.poll(now, { interval: 500 }).not.toBe(password);

  stopped = true;
  await own.stop();
  expect(await helper.get(own.registry, lasting)).toEqual(kept);
  await helper.erase(own.registry, lasting);
  await expect(helper.get(own.registry, lasting)).rejects.toMatchObject({
    stdout: expect.stringContaining("SERVICE_UNAVAILABLE"),
  });
});
