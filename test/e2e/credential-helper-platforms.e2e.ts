import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { artifactRegistry } from "../../client/index.ts";
import { buildImage } from "../oci/client/images.ts";
import { clients, type Outcome } from "./clients.ts";
import { helperClients } from "./credential-helper/clients.ts";
import { dockerConfig, filesWith } from "./credential-helper/home.ts";
import { type Installed, installHelper } from "./credential-helper/install.ts";
import { onAws, onAzure, onGcp, onKubernetes, onLocal, type Place } from "./credential-helper/places.ts";
import { writeLayout } from "./layout.ts";
import { startSuite } from "./server.ts";

const nullGuid = "00000000-0000-0000-0000-000000000000";
const places = {
  aws: { start: onAws, username: "AWS" },
  gcp: { start: onGcp, username: "oauth2accesstoken" },
  azure: { start: onAzure, username: nullGuid },
  kubernetes: { start: () => onKubernetes(), username: "token" },
  local: { start: async () => onLocal(await startSuite()), username: "token" },
};

let folder: string;
let helper: Installed;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "helper-"));
  helper = await installHelper(join(folder, "installed"), { sdks: true });
  for (const version of ["v1", "v2"]) await writeLayout(join(folder, version), buildImage({ seed: version }), "v1");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const done = ({ ok, output }: Outcome) => expect(ok, output).toBe(true);

/** A repository there, and clients whose helper runs the platform's own adapter. */
async function open(name: string, start: () => Promise<Place>) {
  const place = await start();
  onTestFinished(() => place.stop());
  place.useInThisProcess();
  const ALIEN_IMAGES_BINDING = JSON.stringify(place.binding);
  const here = await artifactRegistry("images", { mode: "direct", env: { ...place.env(), ALIEN_IMAGES_BINDING } });
  const { name: repository, uri = "" } = await here.createRepository("my-app");
  const host = new URL(place.reach(uri)).host;
  const path = uri.slice(uri.indexOf("/"));
  const home = join(folder, name);
  await mkdir(home);
  /** Anew for each round. */
  const under = async (permissions: "pull" | "push-pull") => {
    const account = { registry: "images", repository, permissions, binding: place.binding };
    const config = await dockerConfig(join(home, permissions), host, account);
    const env = { PATH: helper.path, ...place.env(), ...config };
    return { env, clients: await helperClients(home, env) };
  };
  return { place, host, home, under, reference: (tag: string) => `${host}${path}:${tag}` };
}

describe.each(Object.entries(places))("on %s", (name, { start, username }) => {
  test("skopeo, podman and crane log in by themselves, past an expiry where the clock can be moved", async () => {
    const { place, host, home, under, reference } = await open(name, start);
    const before = (await helper.runs()).length;
    const lines: string[] = [];
    const round = async (version: string) => {
      const [pusher, puller] = [await under("push-pull"), await under("pull")];
      done(await pusher.clients.push("skopeo", join(folder, version), reference(version)));
      for (const client of ["skopeo", "crane", "podman"] as const) {
        done(await puller.clients.pull(client, reference(version)));
      }
      lines.push(await pusher.clients.commandLines(), await puller.clients.commandLines());
      return helper.get(host, puller.env);
    };
    const old = await round("v1");
    expect(old.username).toBe(username);
    if (place.expire) {
      expect(await opens(host, reference("v1"), old)).toBe(true);
      place.expire();
      expect(await opens(host, reference("v1"), old)).toBe(false);
    }
    await round("v2");

    const runs = (await helper.runs()).slice(before);
    expect(runs.every(({ action, exitCode }) => action === "get" && exitCode === 0)).toBe(true);
    expect(new Set(runs.map((run) => run.username))).toEqual(new Set([username]));
    const passwords = [...new Set(runs.map(({ password = "" }) => password))];
    expect(passwords.filter((password) => lines.join("").includes(password))).toEqual([]);
    expect(await filesWith([home], passwords)).toEqual([]);
  });
});

/** Whether these credentials still pull, with a client that takes them as they are. */
async function opens(host: string, reference: string, account: { username: string; password: string }) {
  const [skopeo] = clients(join(folder, "accounts"), host);
  return (await skopeo?.pull(reference, join(folder, randomUUID()), "v1", account))?.ok;
}

test("an external registry's bearer is told to be none that a helper can give", async () => {
  const { under, reference } = await open("bearer", () => onKubernetes(false));
  const { clients: all } = await under("pull");
  for (const client of ["skopeo", "crane", "podman"] as const) {
    const { ok, output } = await all.pull(client, reference("v1"));
    expect(ok).toBe(false);
    expect(output).toContain("OPERATION_NOT_SUPPORTED");
  }
});
