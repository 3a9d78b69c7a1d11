import { beforeEach, describe, expect, test } from "vitest";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import { subjectOf } from "../../emulators/kubernetes/service-accounts.ts";
import { fakePassword } from "../../support/fake-registry.ts";
import { fakePlatform } from "../support/fake-platform.ts";
import {
  authsOf,
  eventGrant,
  grant,
  ourLabel,
  refresh,
  refresher,
  secretName,
  secretRequests,
  useCluster,
} from "../support/refresh.ts";

const notes = "artifact-registry.alien.dev/entries";
const end = "artifact-registry.alien.dev/expires-at";
const { cluster, env } = useCluster();
beforeEach(() => {
  env.PULL_SECRET_REPOSITORIES = '["a","gone","b"]';
});

/** A registry that lacks some repositories. */
const lacking = (...names: string[]) =>
  fakePlatform({
    upstream(_method, _signal, repository) {
      if (names.some((name) => repository === `images/${name}`)) {
        throw new ArtifactRegistryError("RESOURCE_NOT_FOUND", `There is no repository "${repository}".`);
      }
    },
  });
const secret = (namespace = "apps") => cluster.api.secrets.get(namespace, secretName);
const images = (namespace?: string) => Object.keys(authsOf(secret(namespace).data)).map((uri) => uri.split("/").at(-1));
const isoAfter = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();

/** The Secret as an earlier run left it, with an entry of `gone`. */
function written(expiresAt: string | undefined, withNotes = true): void {
  const uri = "registry.example/images/gone";
  const auths = { [uri]: { username: "token", password: "of the last run", auth: "x" } };
  const annotations = {
    ...(expiresAt && { [end]: expiresAt }),
    ...(withNotes && { [notes]: JSON.stringify({ [uri]: { repository: "gone", ...(expiresAt && { expiresAt }) } }) }),
  };
  cluster.api.secrets.write("apps", secretName, {
    metadata: { labels: ourLabel, annotations },
    data: { ".dockerconfigjson": btoa(JSON.stringify({ auths })) },
  });
}

describe("a repository that cannot be refreshed", () => {
  test("keeps no other from being refreshed; exit code, log and event say which it is", async () => {
    const run = await refresh(lacking("gone"), env);
    expect([run.code, images()]).toEqual([2, ["a", "b"]]);
    expect(run.last).toMatchObject({
      level: "error",
      failed: [{ repository: "gone", code: "RESOURCE_NOT_FOUND", kept: false }],
    });
    expect(cluster.api.objects.events).toMatchObject([
      {
        involvedObject: { kind: "Secret", namespace: "apps", name: secretName },
        type: "Warning",
        reason: "PullSecretNotRefreshed",
        message: expect.stringMatching(/^gone: RESOURCE_NOT_FOUND, .* no entry that is still of use\.$/),
      },
    ]);
    expect(run.log + JSON.stringify(cluster.api.objects.events)).not.toContain(fakePassword);
  });

  test.each([true, false])("keeps its last entry until that ends (notes of this version: %s)", async (withNotes) => {
    const until = isoAfter(600);
    written(until, withNotes);
    const run = await refresh(lacking("gone"), env);
    expect([run.code, images().sort()]).toEqual([2, ["a", "b", "gone"]]);
    expect(authsOf(secret().data)["registry.example/images/gone"]?.password).toBe("of the last run");
    // The first that ends is the one that was kept.
    expect(secret().metadata.annotations?.[end]).toBe(until);
    expect(run.last).toMatchObject({ failed: [{ repository: "gone", kept: true, keptUntil: until }] });
    expect(cluster.api.objects.events[0]?.message).toContain(`stays until ${until}`);
    // And so it goes on.
    expect((await refresh(lacking("gone"), env)).code).toBe(2);
    expect(images().sort()).toEqual(["a", "b", "gone"]);
  });

  test("keeps an entry that does not end", async () => {
    written(undefined);
    expect((await refresh(lacking("gone"), env)).code).toBe(2);
    expect(images().sort()).toEqual(["a", "b", "gone"]);
  });

  test.each([true, false])("loses its last entry when that has ended (notes: %s)", async (withNotes) => {
    written(isoAfter(-1), withNotes);
    expect((await refresh(lacking("gone"), env)).code).toBe(2);
    expect(images()).toEqual(["a", "b"]);
  });

  test("is replaced when it can be refreshed again, and forgotten when it is no longer asked for", async () => {
    written(isoAfter(600));
    expect((await refresh(fakePlatform(), env)).code).toBe(0);
    expect(authsOf(secret().data)["registry.example/images/gone"]?.password).toBe(fakePassword);
    await refresh(lacking("gone"), { ...env, PULL_SECRET_REPOSITORIES: '["a","b"]' });
    expect(images()).toEqual(["a", "b"]);
  });

  test("leaves the Secret as it is if it is every one, and makes an event", async () => {
    written(isoAfter(600));
    const before = secret();
    const run = await refresh(lacking("a", "b", "gone"), env);
    expect([run.code, secret()]).toEqual([1, before]);
    expect(cluster.api.objects.events[0]?.message).toMatch(/a: RESOURCE_NOT_FOUND.*gone: .*b: /);
  });

  test("is not printed away: a manifest is all or nothing", async () => {
    const run = await refresh(lacking("gone"), env, ["print"]);
    expect([run.code, run.out]).toEqual([1, ""]);
  });

  test("changes nothing else where no event may be made", async () => {
    cluster.api.grants = [grant];
    const run = await refresh(lacking("gone"), env);
    expect([run.code, images()]).toEqual([2, ["a", "b"]]);
    expect(run.log).toContain("No event could be made.");
  });
});

describe("a Secret that is not there", () => {
  const rights = (name: string, verbs: typeof grant.verbs) => ({ ...grant, resourceName: name, verbs });

  test("is made under its name alone, where that is wanted", async () => {
    const name = "another-name";
    cluster.api.grants = [rights(name, ["get", "update", "create", "patch"]), eventGrant];
    const run = await refresh(lacking(), { ...env, PULL_SECRET_NAME: name, PULL_SECRET_CREATE: "true" });
    expect(run.code).toBe(0);
    const { type, metadata, data } = cluster.api.secrets.get("apps", name);
    expect([type, metadata.labels]).toEqual(["kubernetes.io/dockerconfigjson", ourLabel]);
    expect(Object.keys(authsOf(data))).toHaveLength(3);
    // The next run replaces it as any other.
    expect((await refresh(lacking("gone"), { ...env, PULL_SECRET_NAME: name, PULL_SECRET_CREATE: "true" })).code).toBe(
      2,
    );
    expect(Object.keys(authsOf(cluster.api.secrets.get("apps", name).data))).toHaveLength(3);
  });

  test("is not made without the right to create this very name", async () => {
    cluster.api.grants = [rights("never", ["get", "update", "patch"]), rights("other", ["create"]), eventGrant];
    const run = await refresh(lacking(), { ...env, PULL_SECRET_NAME: "never", PULL_SECRET_CREATE: "true" });
    expect([run.code, run.last.message]).toEqual([1, expect.stringMatching(/answered 403 to create of the Secret/)]);
  });
});

describe("many namespaces", () => {
  const wide = { subject: subjectOf(refresher), resourceName: secretName };
  beforeEach(() => {
    const { namespaces } = cluster.api.objects;
    namespaces.clear();
    for (const name of ["team-a", "team-b", "team-c"])
      namespaces.set(name, { labels: { pull: "images" }, phase: "Active" });
    namespaces.set("going", { labels: { pull: "images" }, phase: "Terminating" });
    namespaces.set("kube-system", { labels: {}, phase: "Active" });
    cluster.api.grants = [
      { ...wide, verbs: ["get", "update", "create", "patch"] },
      { subject: subjectOf(refresher), resource: "events", verbs: ["create"] },
      { subject: subjectOf(refresher), resource: "namespaces", verbs: ["list"] },
    ];
    Object.assign(env, {
      PULL_SECRET_NAMESPACE: "",
      PULL_SECRET_NAMESPACE_SELECTOR: "pull=images",
      PULL_SECRET_CREATE: "true",
    });
  });

  test("with the labels have the Secret, and no other; credentials are asked for once", async () => {
    const minted: string[] = [];
    const platform = fakePlatform({ upstream: (method) => void minted.push(method) });
    const run = await refresh(platform, env);
    expect([run.code, minted.filter((method) => method === "generateCredentials").length]).toEqual([0, 3]);
    for (const namespace of ["team-a", "team-b", "team-c"]) expect(images(namespace)).toEqual(["a", "gone", "b"]);
    for (const namespace of ["going", "kube-system"])
      expect(cluster.api.secrets.has(namespace, secretName)).toBe(false);
    const places = secretRequests(cluster).map((line) => line.split("/")[4]);
    expect(new Set(places)).toEqual(new Set(["team-a", "team-b", "team-c"]));
  });

  test("where one refuses are refreshed all the same, and the exit code says a part failed", async () => {
    cluster.api.secrets.write("team-b", secretName, {});
    const run = await refresh(lacking(), env);
    expect([run.code, images("team-a"), images("team-c")]).toEqual([2, ["a", "gone", "b"], ["a", "gone", "b"]]);
    expect(authsOf(secret("team-b").data)).toEqual({});
    expect(cluster.api.objects.events.map(({ metadata }) => metadata.namespace)).toEqual(["team-b"]);
  });

  test("of which there is none are no failure", async () => {
    cluster.api.objects.namespaces.clear();
    expect((await refresh(lacking(), env)).code).toBe(0);
  });

  test("and one by its name exclude each other", async () => {
    const run = await refresh(lacking(), { ...env, PULL_SECRET_NAMESPACE: "apps" });
    expect([run.code, run.last.message]).toEqual([1, expect.stringContaining("exclude each other")]);
  });
});

describe("ServiceAccounts", () => {
  test("that are named get the Secret beside those that they have", async () => {
    const account = { imagePullSecrets: [{ name: "other" }] };
    cluster.api.objects.accounts.set("apps/default", account);
    cluster.api.grants.push({ ...grant, resource: "serviceaccounts", resourceName: "default", verbs: ["patch"] });
    for (let i = 0; i < 2; i++) {
      expect((await refresh(lacking(), { ...env, PULL_SECRET_SERVICE_ACCOUNTS: '["default"]' })).code).toBe(0);
    }
    expect(account.imagePullSecrets).toEqual([{ name: secretName }, { name: "other" }]);
  });

  test("that may not be changed are told, and the Secret is fresh", async () => {
    const run = await refresh(lacking(), { ...env, PULL_SECRET_SERVICE_ACCOUNTS: '["default"]' });
    expect([run.code, images()]).toEqual([1, ["a", "gone", "b"]]);
    expect(run.last.message).toMatch(/403 to patch of the ServiceAccount apps\/default\. Its Role must allow/);
  });

  test("whose name is a path are refused", async () => {
    const run = await refresh(lacking(), { ...env, PULL_SECRET_SERVICE_ACCOUNTS: '["../secrets/x"]' });
    expect([run.code, run.last.message]).toEqual([1, expect.stringMatching(/^PULL_SECRET_SERVICE_ACCOUNTS must be/)]);
  });
});
