import { describe, expect, test } from "vitest";
import { digestOf, pullImage, pushImage } from "../../oci/client/index.ts";
import { buildImage } from "../oci/client/images.ts";
import { expectLifetime } from "../support/lifetime.ts";
import type { Golden } from "./golden.ts";
import type { Subject } from "./suite.ts";

const bytes = Buffer.from("one small layer");
const blob = { digest: digestOf(bytes), body: bytes };
const refused = { status: expect.toSatisfy((status: number) => status === 401 || status === 403) };
/** Some registries know no deletion by clients at all, and say so. */
const deletionRefused = { status: expect.toSatisfy((status: number) => [401, 403, 405].includes(status)) };
/** Where anybody may read, nothing says that there is a catalog at all. */
const noCatalog = { status: expect.toSatisfy((status: number) => [401, 403, 404, 405].includes(status)) };

export function credentialTests(subject: () => Subject, golden: Golden): void {
  const { publicPulls, credentialScope, lifetime, pushDeletes = false, mountsAnything = false } = golden;
  const withImage = async (which: "registry" | "otherRegistry" = "registry") => {
    const { suite, fresh, client, [which]: registry } = subject();
    const { name } = await suite.ok("createRepository", { registry, name: fresh() });
    const mint = (permissions: "pull" | "push-pull", ttlSeconds?: number) =>
      suite.ok("generateCredentials", { registry, repoId: name, permissions, ...(ttlSeconds && { ttlSeconds }) });
    const image = buildImage({ seed: name });
    await pushImage(await client(await mint("push-pull")), name, "1.0", image);
    return { name, image, mint };
  };

  /** A repository that credentials of `withImage()` must not open. */
  const outOfScope = () => withImage(credentialScope === "registry" ? "otherRegistry" : "registry");

  describe("credentials", () => {
    test("say the truth about themselves", async () => {
      const { suite, registry } = subject();
      const { capabilities } = await suite.ok("describeRegistry", { registry });
      const { mint } = await withImage();
      const credentials = await mint("pull", 900);
      expect(credentials.authMethod).toBe(capabilities.credentials.authMethod);
      expect(credentials.scope).toBe(capabilities.credentials.scope);
      expect(credentials.scope).toBe(credentialScope);
      expect(credentials.username === "").toBe(credentials.authMethod === "bearer");
      if (lifetime === "endless") {
        expect(credentials.expiresAt).toBeUndefined();
        return;
      }
      expect(Date.parse(credentials.expiresAt ?? "")).toBeGreaterThan(Date.now());
    });

    if (lifetime === "asked") {
      test("a lifetime outside the platform's is capped or raised, and one left out is the default", async () => {
        const { suite, registry } = subject();
        const { ttlSeconds } = (await suite.ok("describeRegistry", { registry })).capabilities.credentials;
        const { mint } = await withImage();
        const ends = async (...asked: Parameters<typeof mint>) => (await mint(...asked)).expiresAt;
        await expectLifetime(1_234, () => ends("pull", 1_234));
        await expectLifetime(ttlSeconds?.max ?? Number.NaN, () => ends("pull", 10 ** 12));
        await expectLifetime(ttlSeconds?.min ?? Number.NaN, () => ends("pull", 1));
        // For another repository: what was minted for this one may live as long, and would be handed out again.
        const other = await withImage();
        await expectLifetime(ttlSeconds?.default ?? Number.NaN, async () => (await other.mint("pull")).expiresAt);
      });
    } else {
      test("a lifetime that is asked for changes nothing", async () => {
        const { suite, registry } = subject();
        expect((await suite.ok("describeRegistry", { registry })).capabilities.credentials.ttlSeconds).toBeUndefined();
        const { mint } = await withImage();
        const ends = async (ttl?: number) => Date.parse((await mint("pull", ttl)).expiresAt ?? "");
        for (const ttl of [1, 10 ** 12]) {
          const before = Date.now();
          const [plain, asked] = [await ends(), await ends(ttl)];
          if (lifetime === "endless") {
            expect([plain, asked]).toEqual([Number.NaN, Number.NaN]);
            continue;
          }
          // It may have been made later by as much as all this took, or be the first again; a second is for roundings.
          const took = Date.now() - before;
          expect(asked).toBeGreaterThan(plain - 1_000);
          expect(asked).toBeLessThan(plain + took + 1_000);
        }
      });
    }

    test("pull credentials pull, and do nothing else", async () => {
      const { name, image, mint } = await withImage();
      const client = await subject().client(await mint("pull"));
      expect(await pullImage(client, name, "1.0")).toEqual(image);
      await expect(client.pushBlob(name, blob)).rejects.toMatchObject(refused);
      await expect(client.pushManifest(name, "2.0", image.manifest)).rejects.toMatchObject(refused);
      await expect(client.pushManifest(name, "1.0", image.manifest)).rejects.toMatchObject(refused);
      expect(await subject().tags(client, name)).toEqual(["1.0"]);
    });

    test("a caller whose rule does not say push-pull gets credentials to pull, and none to push", async () => {
      const { suite, registry, client } = subject();
      const { name, image, mint } = await withImage();
      // One that others may have is at hand, fresh.
      await mint("push-pull");
      const input = { registry, repoId: name };
      const { status, body } = await suite.refused(
        "generateCredentials",
        { ...input, permissions: "push-pull" },
        "reader",
      );
      expect([status, body.code]).toEqual([403, "ACCESS_DENIED"]);
      expect(body.hint).toMatch(/"permissions"/);
      expect(JSON.stringify(body)).not.toContain("password");
      expect(suite.audit.at(-1)).toMatchObject({
        outcome: "ACCESS_DENIED",
        repoId: subject().ruleName(name),
        upstreamCalls: 0,
      });

      const pull = await suite.ok("generateCredentials", { ...input, permissions: "pull" }, "reader");
      const reader = await client(pull);
      expect(await pullImage(reader, name, "1.0")).toEqual(image);
      const other = buildImage({ seed: `${name} of the reader` });
      await expect(pushImage(reader, name, "1.0", other)).rejects.toMatchObject(refused);
      expect(await pullImage(reader, name, "1.0")).toEqual(image);
    });

    test("credentials to push delete if the capabilities say so, and only then", async () => {
      const { suite, registry } = subject();
      const { capabilities } = await suite.ok("describeRegistry", { registry });
      expect(capabilities.credentials.pushMayDelete ?? false).toBe(pushDeletes);
      if (!pushDeletes) return;
      const { name, image, mint } = await withImage();
      await (await subject().client(await mint("push-pull"))).deleteManifest(name, image.manifest.digest);
      const reader = await subject().client(await mint("pull"));
      await expect(reader.pullManifest(name, "1.0")).rejects.toMatchObject({ status: 404 });
    });

    test.each(["pull", ...(pushDeletes ? [] : (["push-pull"] as const))] as const)(
      "%s credentials delete nothing and list nothing beyond their scope",
      async (permissions) => {
        const { name, image, mint } = await withImage();
        const client = await subject().client(await mint(permissions));
        await expect(client.deleteManifest(name, image.manifest.digest)).rejects.toMatchObject(deletionRefused);
        await expect(client.deleteManifest(name, "1.0")).rejects.toMatchObject(deletionRefused);
        for (const digest of image.blobs.keys()) {
          await expect(client.deleteBlob(name, digest)).rejects.toMatchObject(deletionRefused);
        }
        if (credentialScope === "repository") {
          await expect(client.catalog()).rejects.toMatchObject(publicPulls ? noCatalog : refused);
        } else {
          // What may be opened may be listed, and no more.
          const listed = await client.catalog().catch(() => []);
          const { suite, registry } = subject();
          const { upstreamRepositoryPrefix: prefix } = await suite.ok("describeRegistry", { registry });
          expect(listed.filter((each) => !each.startsWith(`${prefix}/`))).toEqual([]);
        }
        expect(await pullImage(client, name, "1.0")).toEqual(image);
      },
    );

    test.each(["pull", "push-pull"] as const)("%s credentials open nothing beyond their scope", async (permissions) => {
      const mine = await withImage();
      const other = await outOfScope();
      const client = await subject().client(await mine.mint(permissions));
      const theirs = [...other.image.blobs.keys()][0] ?? "";
      if (publicPulls) {
        expect(await pullImage(client, other.name, "1.0")).toEqual(other.image);
        expect(await subject().tags(client, other.name)).toEqual(["1.0"]);
      } else {
        await expect(client.pullManifest(other.name, "1.0")).rejects.toMatchObject(refused);
        await expect(client.readBlob(other.name, theirs)).rejects.toMatchObject(refused);
        await expect(client.tags(other.name)).rejects.toMatchObject(refused);
      }
      await expect(client.pushBlob(other.name, blob)).rejects.toMatchObject(refused);
      await expect(client.pushManifest(other.name, "2.0", other.image.manifest)).rejects.toMatchObject(refused);
      const nearMine = credentialScope === "repository" ? [`${mine.name}/nested`, `${mine.name}x`] : [];
      for (const near of [`${other.name}/nested`, other.name.slice(0, -1), ...nearMine]) {
        await expect(client.pullManifest(near, "1.0")).rejects.toMatchObject(publicPulls ? { status: 404 } : refused);
        await expect(client.pushBlob(near, blob)).rejects.toMatchObject(refused);
      }
    });

    if (credentialScope === "registry") {
      test("open each repository of their registry, as their scope says, and no wider", async () => {
        const mine = await withImage();
        const sibling = await withImage();
        const pull = await subject().client(await mine.mint("pull"));
        expect(await pullImage(pull, sibling.name, "1.0")).toEqual(sibling.image);
        await expect(pull.pushBlob(sibling.name, blob)).rejects.toMatchObject(refused);
        const push = await subject().client(await mine.mint("push-pull"));
        await pushImage(push, sibling.name, "2.0", mine.image);
        expect(await pullImage(pull, sibling.name, "2.0")).toEqual(mine.image);
      });
    }

    test(`a push token ${mountsAnything ? "mounts" : "cannot mount"} a layer from a repository that it may not read`, async () => {
      const mine = await withImage();
      const other = await outOfScope();
      const client = await subject().client(await mine.mint("push-pull"));
      for (const digest of other.image.blobs.keys()) {
        if (mine.image.blobs.has(digest)) continue;
        const mounted = await client.mountBlob(mine.name, { digest, from: other.name }).catch(() => false);
        expect(mounted).toBe(mountsAnything);
        expect((await client.headBlob(mine.name, digest)) !== undefined).toBe(mountsAnything);
      }
    });

    test("a layer of another repository is not readable under one's own name", async () => {
      const mine = await withImage();
      const other = await withImage();
      const client = await subject().client(await mine.mint("push-pull"));
      const theirs = [...other.image.blobs.keys()].filter((digest) => !mine.image.blobs.has(digest));
      expect(theirs.length).toBeGreaterThan(0);
      for (const digest of theirs)
        await expect(client.readBlob(mine.name, digest)).rejects.toMatchObject({ status: 404 });
    });

    test("a tampered or foreign token is refused", async () => {
      const { name, mint } = await withImage();
      const credentials = await mint("push-pull");
      const { password } = credentials;
      const middle = Math.floor(password.length / 2);
      const flipped = password.slice(0, middle) + (password[middle] === "A" ? "B" : "A") + password.slice(middle + 1);
      for (const wrong of [flipped, password.slice(0, -2), `${password}x`, "password"]) {
        const client = await subject().client({ ...credentials, password: wrong });
        await expect(client.pullManifest(name, "1.0")).rejects.toMatchObject(refused);
        await expect(client.pushBlob(name, blob)).rejects.toMatchObject(refused);
      }
    });

    if (lifetime === "asked") {
      test("credentials end when they say, for clients that hold a session too", async () => {
        const { suite, registry } = subject();
        const { ttlSeconds } = (await suite.ok("describeRegistry", { registry })).capabilities.credentials;
        const { name, mint } = await withImage();
        const credentials = await mint("push-pull", Math.max(600, ttlSeconds?.min ?? 600));
        const client = await subject().client(credentials);
        await client.pullManifest(name, "1.0");
        subject().reach(new Date(Date.parse(credentials.expiresAt ?? "") + 20));
        await expect(client.pullManifest(name, "1.0")).rejects.toMatchObject(refused);
        await expect(client.pushBlob(name, blob)).rejects.toMatchObject(refused);
        const late = await subject().client(credentials);
        await expect(late.pullManifest(name, "1.0")).rejects.toMatchObject(refused);
      });
    }

    if (lifetime !== "endless") {
      test("are handed out again to the same caller only", async () => {
        const { suite, registry } = subject();
        const { name } = await withImage();
        const ask = (as: "alice" | "bob", more: object = {}) =>
          suite.ok(
            "generateCredentials",
            { registry, repoId: name, permissions: "pull", ttlSeconds: 3_000, ...more },
            as,
          );
        const first = await ask("alice");
        expect(await ask("alice")).toEqual(first);
        expect((await ask("bob")).password).not.toBe(first.password);
        expect((await ask("alice", { permissions: "push-pull" })).password).not.toBe(first.password);
        // A platform that sets the lifetime by itself makes the same of every wish.
        const other = await ask("alice", { ttlSeconds: 3_001 });
        if (lifetime === "asked") expect(other.password).not.toBe(first.password);
        else expect(other).toEqual(first);
      });
    }

    test("concurrent identical requests mint once", async () => {
      const { suite, registry } = subject();
      const { name } = await withImage();
      const input = { registry, repoId: name, permissions: "pull", ttlSeconds: 2_000 };
      const answers = await Promise.all(Array.from({ length: 25 }, () => suite.ok("generateCredentials", input)));
      expect(new Set(answers.map(({ password }) => password)).size).toBe(1);
    });

    test("never show in the audit log", async () => {
      const { suite } = subject();
      const { mint } = await withImage();
      const { password } = await mint("push-pull");
      expect(JSON.stringify(suite.audit)).not.toContain(password);
    });
  });
}
