import { describe, expect, test } from "vitest";
import { foreignForms, plainNames } from "../support/name-forms.ts";
import type { Golden } from "./golden.ts";
import type { Subject } from "./suite.ts";

const logicalNames = [
  "my-app",
  "prj_abc123",
  "prj_ABC123",
  "team/app/worker",
  "a",
  "Ünïcode naïveté",
  "日本語",
  "🚀🚀",
  "two  spaces",
  "dots..and--dashes__and___more",
  "trailing-",
  "-leading",
  "semi;colon&amp=%2e%2e",
  "x".repeat(256),
  "🚀".repeat(256),
  "my-app-abcdefghijklmnopqrst",
];

export function nameTests(subject: () => Subject, { readsUri }: Golden): void {
  describe("names", () => {
    test.each(logicalNames)("%j is created, found by both its names, and created again as itself", async (name) => {
      const { suite, registry } = subject();
      const created = await suite.ok("createRepository", { registry, name });
      expect(created.uri?.endsWith(`/${lastSegment(created.name)}`)).toBe(true);
      expect(await suite.ok("createRepository", { registry, name })).toEqual(created);
      expect((await suite.ok("getRepository", { registry, repoId: created.name })).name).toBe(created.name);
      expect((await suite.ok("getRepository", { registry, repoId: name })).name).toBe(created.name);
    });

    test("no two logical names share a repository", async () => {
      const { suite, registry } = subject();
      const names = [...logicalNames, "MY-APP", "my_app", "my.app", "my app", "my/app", "two spaces"];
      const routable = new Set<string>();
      for (const name of names) routable.add((await suite.ok("createRepository", { registry, name })).name);
      expect(routable.size).toBe(names.length);
    });

    test("a name that fits is used unchanged, under the registry's prefix", async () => {
      const { suite, registry } = subject();
      const { upstreamRepositoryPrefix: prefix } = await suite.ok("describeRegistry", { registry });
      const { name } = await suite.ok("createRepository", { registry, name: "plain-name" });
      expect(name.startsWith(prefix)).toBe(true);
      expect(name.endsWith("plain-name")).toBe(true);
    });

    test.each(plainNames)("%j comes close to what is no name, and is one", async (name) => {
      const { suite, registry } = subject();
      const created = await suite.ok("createRepository", { registry, name });
      expect((await suite.ok("getRepository", { registry, repoId: name })).name).toBe(created.name);
    });

    const hostile = [
      "..",
      "../x",
      "a/../b",
      "a/./b",
      "./a",
      "/etc/passwd",
      "\\\\host\\share",
      "..\\x",
      "https://evil/x",
    ];
    test.each([...hostile, ...foreignForms])(
      "%j is refused as a name and as an id, before anything is asked upstream",
      async (text) => {
        const { suite, registry } = subject();
        const asName = await suite.refused("createRepository", { registry, name: text });
        expect(asName.body).toMatchObject({ code: "INVALID_INPUT", context: { field: "name" } });
        for (const operation of ["getRepository", "deleteRepository"]) {
          const asId = await suite.refused(operation, { registry, repoId: text });
          expect(asId.body).toMatchObject({ code: "INVALID_INPUT", context: { field: "repoId" } });
        }
        const minted = await suite.refused("generateCredentials", { registry, repoId: text, permissions: "pull" });
        expect(minted.body).toMatchObject({ code: "INVALID_INPUT", context: { field: "repoId" } });
        expect(suite.audit.slice(-4).map((line) => line.upstreamCalls)).toEqual([0, 0, 0, 0]);
      },
    );

    test("an id of another registry is refused, and so is its prefix alone", async () => {
      const { suite, registry, otherRegistry, fresh } = subject();
      const other = await suite.ok("createRepository", { registry: otherRegistry, name: fresh() });
      const { upstreamRepositoryPrefix } = await suite.ok("describeRegistry", { registry: otherRegistry });
      for (const repoId of [other.name, upstreamRepositoryPrefix]) {
        const { body } = await suite.refused("getRepository", { registry, repoId });
        expect(body.code).toBe("INVALID_INPUT");
        const minted = await suite.refused("generateCredentials", { registry, repoId, permissions: "pull" });
        expect(minted.body.code).toBe("INVALID_INPUT");
      }
    });

    test("what else names this very repository is no name; it is read as its id, and not with a tag or a digest", async () => {
      const { suite, registry, fresh, resource } = subject();
      const created = await suite.ok("createRepository", { registry, name: fresh() });
      const { name, uri = "" } = created;
      const own = resource ? [resource(name)] : [];
      const read = readsUri ? [...own, uri, uri.replace(/^[^/]+/, (host) => host.toUpperCase())] : own;
      for (const form of read) expect(await suite.ok("getRepository", { registry, repoId: form })).toEqual(created);

      const before = suite.audit.length;
      const images = [...own, uri, name].flatMap((form) => [`${form}:1.0`, `${form}@sha256:${"0".repeat(64)}`]);
      for (const form of readsUri ? images : [...images, uri]) {
        const { body } = await suite.refused("getRepository", { registry, repoId: form });
        expect(body).toMatchObject({ code: "INVALID_INPUT", context: { field: "repoId" } });
      }
      for (const form of [...own, uri, ...images]) {
        for (const operation of ["createRepository", "setupRepository"]) {
          const { body } = await suite.refused(operation, { registry, name: form });
          expect(body).toMatchObject({ code: "INVALID_INPUT", context: { field: "name" } });
          expect(body.hint).toMatch(/^Write the name /);
        }
      }
      expect(suite.audit.slice(before).filter(({ upstreamCalls }) => upstreamCalls > 0)).toEqual([]);
    });

    test("a URI of another registry of ours is not this one's repository", async () => {
      const { suite, registry, otherRegistry, fresh } = subject();
      const { uri } = await suite.ok("createRepository", { registry: otherRegistry, name: fresh() });
      for (const operation of ["getRepository", "deleteRepository"]) {
        const { body } = await suite.refused(operation, { registry, repoId: uri });
        expect(body).toMatchObject({ code: "INVALID_INPUT", context: { field: "repoId" } });
      }
    });

    test("a logical name that would mean another repository as an id is refused", async () => {
      const { suite, registry } = subject();
      const { name } = await suite.ok("createRepository", { registry, name: "ambiguous" });
      const { upstreamRepositoryPrefix: prefix } = await suite.ok("describeRegistry", { registry });
      for (const taken of [name, prefix]) {
        const { body } = await suite.refused("createRepository", { registry, name: taken });
        expect(body).toMatchObject({ code: "INVALID_INPUT", context: { field: "name" } });
      }
    });
  });
}

function lastSegment(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
