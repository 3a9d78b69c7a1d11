import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pullImage, pushImage } from "../../oci/client/index.ts";
import { buildImage } from "../oci/client/images.ts";
import { buildWorkers, type WorkerBundles } from "./workers/bundles.ts";
import {
  auditOf,
  type Callers,
  clientWith,
  type Guests,
  type Opened,
  type Place,
  unverified,
} from "./workers/place.ts";
import { onAws } from "./workers/places/aws.ts";
import { onAzure } from "./workers/places/azure.ts";
import { onGcp } from "./workers/places/gcp.ts";
import { onGithub } from "./workers/places/github.ts";
import { onKubernetes } from "./workers/places/kubernetes.ts";
import { onLocal } from "./workers/places/local.ts";
import { type Prepared, refusalOf, type Worker, work } from "./workers/run.ts";

/** A worker with the client, as its user bundles it, in each form of authentication, before each handler's real bundle. */

let built: WorkerBundles;
beforeAll(async () => {
  built = await buildWorkers();
});

const running: { stop(): Promise<void> }[] = [];
afterAll(async () => {
  for (const each of running.reverse()) await each.stop();
  await built?.remove();
});

/** Started when it is first asked for, until all tests are over. */
function once<T extends { stop(): Promise<void> }>(start: () => Promise<T>): () => Promise<T> {
  let started: Promise<T> | undefined;
  return () => {
    started ??= start().then((each) => {
      running.push(each);
      return each;
    });
    return started;
  };
}

const clouds = { aws: once(onAws), gcp: once(onGcp), azure: once(onAzure) };
const places = { ...clouds, kubernetes: once(onKubernetes), local: once(onLocal) };

/** A handler behind a door, and who comes there. */
interface Scene {
  readonly place: Place;
  readonly opened: Opened;
}

function workerOf({ place, opened }: Scene, { form }: Callers, { env, auth }: Callers["worker"]): Worker {
  const binding = { url: opened.url, platform: place.platform, ...(auth && { auth }) };
  return { bundle: built.bundles[form], binding, env };
}

/** Has a worker use its repository, and asserts what the handler saw of it. */
async function succeeds(scene: Scene, callers: Callers): Promise<void> {
  const { place, opened } = scene;
  const before = auditOf(opened.log()).length;
  let used: Prepared | undefined;
  await work(workerOf(scene, callers, callers.worker), async (prepared) => {
    used = prepared;
    await useCredentials(place, prepared);
    await callers.meanwhile?.();
  });
  const { push, pull, uri } = used ?? expect.fail("The worker has printed nothing.");
  const gone = pullImage(clientWith(push, place.reach(uri)), pathOf(uri), "v1");
  await expect(gone).rejects.toMatchObject({ status: 404 });
  // What a process writes comes when it comes.
  const lines = () => auditOf(opened.log()).slice(before);
  await expect.poll(() => lines().map(({ outcome }) => outcome)).toEqual(Array(6).fill("OK"));
  expect([...new Set(lines().map(({ caller }) => caller.subject))]).toEqual(callers.seenAs);
  for (const { password } of [push, pull]) expect(opened.log()).not.toContain(password);
}

/** Pushes with the one, pulls with the other, and not the other way round. */
async function useCredentials(place: Place, { endpoint, uri, push, pull, found, name }: Prepared): Promise<void> {
  expect(found.name).toBe(name);
  expect(uri.slice(0, uri.indexOf("/"))).toBe(new URL(endpoint).host);
  const [pusher, puller] = [clientWith(push, place.reach(uri)), clientWith(pull, place.reach(uri))];
  const image = buildImage({ seed: uri });
  await pushImage(pusher, pathOf(uri), "v1", image);
  expect(await pullImage(puller, pathOf(uri), "v1")).toEqual(image);
  const refused = await pushImage(puller, pathOf(uri), "v2", buildImage({ seed: "other" })).catch(
    ({ status }) => status,
  );
  expect([401, 403]).toContain(refused);
}

const pathOf = (uri: string) => uri.slice(uri.indexOf("/") + 1);

/** Has each worker be refused: by the right one, with its reason, at the first try. */
async function refuses(scene: Scene, callers: Callers): Promise<void> {
  for (const [who, { code, hint, byHandler = false, ...calling }] of Object.entries(callers.refused)) {
    const before = auditOf(scene.opened.log()).length;
    const refusal = await refusalOf(workerOf(scene, callers, calling));
    expect({ who, ...refusal }).toMatchObject({
      who,
      exitCode: 1,
      code,
      hint: expect.stringMatching(hint),
      retryable: false,
    });
    expect([who, typeof refusal.requestId]).toEqual([who, byHandler ? "string" : "undefined"]);
    const outcomes = () => auditOf(scene.opened.log()).map(({ outcome }) => outcome);
    await expect.poll(() => [who, outcomes().slice(before)]).toEqual([who, byHandler ? [code] : []]);
  }
}

describe.each(Object.entries(places))("on %s", (_name, start) => {
  let place: Place;
  let opened: Opened;
  beforeAll(async () => {
    place = await start();
    opened = await place.open();
  });
  afterAll(() => opened?.stop());

  test("a worker has its repository and credentials that push and pull, and deletes it", () =>
    succeeds({ place, opened }, place));
  test("a worker that may not is told why, at its first call", () => refuses({ place, opened }, place));
});

describe("behind the oidc door", () => {
  const audience = "artifact-registry";
  const github = once(() => onGithub(audience));
  const google = async () => (await clouds.gcp()).guests(audience);
  const entra = async () => (await clouds.azure()).guests(`api://${audience}-elsewhere`);
  const doors = [
    ["aws", "jobs of GitHub and workers of Google Cloud", async () => [await github(), await google()]],
    ["azure", "workers of Google Cloud", async () => [await google()]],
    ["gcp", "workers of Azure", async () => [await entra()]],
  ] as const satisfies (readonly [keyof typeof clouds, string, () => Promise<Guests[]>])[];

  test.each(doors)("of %s come %s", async (name, _who, invited) => {
    const place = await clouds[name]();
    const guests = await invited();
    const opened = await place.openTo(guests);
    try {
      for (const each of guests) {
        await succeeds({ place, opened }, each);
        await refuses({ place, opened }, each);
      }
      // What its own platform would let in is nobody here.
      const hint = /Authorization: Bearer/;
      const refused = { "of its own platform": { ...place.worker, ...unverified, hint } };
      await refuses({ place, opened }, { ...place, refused });
    } finally {
      await opened.stop();
    }
  });
});

describe("a bundle", () => {
  const libraries = {
    aws: /^@(aws-sdk|aws-crypto|aws|smithy)\//,
    gcp: /^(google-|gaxios$|gcp-metadata$|gtoken$|@google-cloud\/)/,
    azure: /^@(azure|azure-rest|typespec)\//,
  };

  test("for a bearer token is at most 15.5 KiB of this package, and nothing else", () => {
    const { ours, packages } = built.bundles.bearer;
    expect(packages).toEqual([]);
    expect(ours / 1024).toBeLessThanOrEqual(15.5);
  });

  test.each(["aws", "gcp", "azure"] as const)("for %s knows that cloud's libraries and no other's", (form) => {
    const { ours, packages } = built.bundles[form];
    expect(ours / 1024).toBeLessThanOrEqual(15.5);
    for (const [cloud, its] of Object.entries(libraries)) {
      const found = packages.filter((name) => its.test(name));
      expect([cloud, found.length > 0]).toEqual([cloud, cloud === form]);
    }
  });

  test.each([
    ["aws", "@smithy/signature-v4 @aws-sdk/credential-provider-node"],
    ["gcp", "google-auth-library"],
    ["azure", "@azure/identity"],
  ] as const)("without what %s needs says so", async (platform, peers) => {
    const binding = { url: "https://127.0.0.1:1", platform };
    const env = { ALIEN_AUDIENCE: "api://artifact-registry" };
    const refusal = await refusalOf({ bundle: built.bundles.bearer, binding, env });
    expect(refusal).toMatchObject({ exitCode: 1, code: "BINDING_CONFIG_INVALID", hint: `npm install ${peers}` });
  });
});
