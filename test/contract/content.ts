import * as v from "valibot";
import { describe, expect, test } from "vitest";
import type { OperationName } from "../../core/operations.ts";
import { type GranteeAccess, type Image, image } from "../../core/registry-schemas.ts";
import type { CrossAccountAccess, RepositoryResponse } from "../../core/schemas.ts";
import { pushImage, repositoryMarker } from "../../oci/client/index.ts";
import { buildImage, buildIndex } from "../oci/client/images.ts";
import type { Golden } from "./golden.ts";
import { type CallerName, onlyGrantee, otherGrantee } from "./harness.ts";
import type { Subject } from "./suite.ts";

interface Listed {
  readonly repositories?: readonly (RepositoryResponse | GranteeAccess)[];
  readonly images?: readonly Image[];
  readonly changed?: readonly string[];
  readonly nextPageToken?: string;
}

/** Reads a list to its end. @returns its pages */
export async function readList<Page extends Listed>(
  { suite }: Pick<Subject, "suite">,
  operation: OperationName,
  input: object,
  as: CallerName = "alice",
): Promise<Page[]> {
  const pages: Page[] = [];
  for (let pageToken: string | undefined; ; ) {
    const page = (await suite.ok(operation, { ...input, ...(pageToken !== undefined && { pageToken }) }, as)) as Page;
    pages.push(page);
    pageToken = page.nextPageToken;
    if (pageToken === undefined) return pages;
  }
}

/** What a registry holds, and what one consumer may pull. Each group is for platforms that have the operation. */
export function contentTests(subject: () => Subject, golden: Golden): void {
  const { unsupported, tellsAbsence, ownTag, listsUntagged = true, deletesTags = true, imageEndsWithTags } = golden;
  const can = (operation: OperationName) => !unsupported.includes(operation);
  const pushing = async (repoId: string, registry: string = subject().registry) => {
    const { suite, client } = subject();
    return client(await suite.ok("generateCredentials", { registry, repoId, permissions: "push-pull" }));
  };
  /** A repository that is there for sure: where absence is not told, it is once it holds an image. */
  const created = async (stem: string, registry: string = subject().registry) => {
    const { suite, fresh } = subject();
    const repository = await suite.ok("createRepository", { registry, name: fresh(stem) });
    const { name } = repository;
    if (!tellsAbsence) await pushImage(await pushing(name, registry), name, "1.0", buildImage({ seed: name }));
    return name;
  };
  const listed = async (input: object = {}, as: CallerName = "alice") => {
    const { suite, registry } = subject();
    const pages = await readList<{ repositories: RepositoryResponse[]; nextPageToken?: string }>(
      { suite },
      "listRepositories",
      { registry, ...input },
      as,
    );
    return pages.flatMap(({ repositories }) => repositories);
  };
  const images = async (repoId: string, input: object = {}) => {
    const { suite, registry } = subject();
    const of = { registry, repoId, ...input };
    const pages = await readList<{ images: Image[]; nextPageToken?: string }>({ suite }, "listImages", of);
    const all = pages.flatMap((page) => page.images);
    expect(new Set(all.map(({ digest }) => digest)).size).toBe(all.length);
    for (const each of all) v.assert(image, each);
    return all;
  };
  const tagsByDigest = async (repoId: string, input: object = {}) =>
    Object.fromEntries((await images(repoId, input)).map(({ digest, tags }) => [digest, [...tags].sort()]));

  if (can("listRepositories")) {
    describe("the list of repositories", () => {
      test("has each repository of the registry once, page by page, and none of another registry", async () => {
        const { suite, registry, otherRegistry } = subject();
        const names = [await created("listed"), await created("listed"), await created("listed")];
        const elsewhere = await created("listed", otherRegistry);
        for (const pageSize of [1, 2, 1_000]) {
          const all = (await listed({ pageSize })).map(({ name }) => name);
          expect(new Set(all).size).toBe(all.length);
          expect(all).toEqual(expect.arrayContaining(names));
          expect(all).not.toContain(elsewhere);
        }
        for (const repository of await listed()) {
          if (!names.includes(repository.name)) continue;
          expect(repository).toEqual(await suite.ok("getRepository", { registry, repoId: repository.name }));
        }
      });

      test("has only what the caller's rules for this operation cover", async () => {
        const mine = [await created("visible"), await created("hidden"), await created("visible")];
        const seen = (await listed({ pageSize: 1 }, "lister")).map(({ name }) => name);
        expect(seen).toEqual(expect.arrayContaining([mine[0], mine[2]]));
        expect(seen.filter((name) => !name.includes("visible"))).toEqual([]);
      });

      test("has no repository that was deleted", async () => {
        const { suite, registry } = subject();
        const name = await created("deleted");
        await suite.ok("deleteRepository", { registry, repoId: name });
        expect((await listed()).map((each) => each.name)).not.toContain(name);
      });

      test("a token is of no use for another registry, nor for another caller", async () => {
        const { suite, registry, otherRegistry } = subject();
        await created("listed");
        await created("listed");
        const { nextPageToken: pageToken } = await suite.ok("listRepositories", { registry, pageSize: 1 });
        for (const [of, as] of [
          [otherRegistry, "alice"],
          [registry, "bob"],
        ] as const) {
          const { status, body } = await suite.refused("listRepositories", { registry: of, pageToken }, as);
          expect([status, body.code, body.context]).toEqual([400, "INVALID_INPUT", { field: "pageToken" }]);
          expect(suite.audit.at(-1)?.upstreamCalls).toBe(0);
        }
      });
    });
  }

  if (can("listImages")) {
    describe("the images of a repository", () => {
      test("are none in one that was just created", async () => {
        const { suite, registry, fresh } = subject();
        const { name } = await suite.ok("createRepository", { registry, name: fresh() });
        if (tellsAbsence) expect(await images(name)).toEqual([]);
      });

      if (tellsAbsence) {
        test("of a repository that was never created are not found", async () => {
          const { suite, registry, fresh } = subject();
          const { body } = await suite.refused("listImages", { registry, repoId: fresh("never") });
          expect(body).toMatchObject({ code: "RESOURCE_NOT_FOUND", retryable: false });
        });
      }

      test("are told by digest, with tags, kind, size and time, page by page", async () => {
        const { suite, registry, fresh } = subject();
        const { name } = await suite.ok("createRepository", { registry, name: fresh() });
        const client = await pushing(name);
        const [image, other] = [buildImage({ seed: name, layers: [5_000] }), buildImage({ seed: `${name} other` })];
        for (const tag of ["1.0", "latest"]) await pushImage(client, name, tag, image);
        await pushImage(client, name, "2.0", other);
        const { digest } = image.manifest;
        const expected = { [digest]: ["1.0", "latest"], [other.manifest.digest]: ["2.0"] };
        for (const pageSize of [1, 1_000]) expect(await tagsByDigest(name, { pageSize })).toEqual(expected);
        const told = (await images(name)).find((each) => each.digest === digest);
        if (told?.mediaType !== undefined) expect(told.mediaType).toBe(image.manifest.mediaType);
        const layers = [...image.blobs.values()].reduce((sum, { length }) => sum + length, 0);
        if (told?.sizeBytes !== undefined) expect(told.sizeBytes).toBeGreaterThan(0);
        if (told?.sizeBytes !== undefined)
          expect(told.sizeBytes).toBeLessThanOrEqual(layers + image.manifest.bytes.length);
      });

      test("are also those of an index, and those that lost their tag", async () => {
        const { suite, registry, fresh } = subject();
        const { name } = await suite.ok("createRepository", { registry, name: fresh() });
        const client = await pushing(name);
        const [index, first, second] = [
          buildIndex({ seed: name, layers: [500] }),
          buildImage({ seed: `${name} 1` }),
          buildImage({ seed: `${name} 2` }),
        ];
        await pushImage(client, name, "multi", index);
        for (const image of [first, second]) await pushImage(client, name, "moved", image);
        const all = await tagsByDigest(name);
        expect(all).toMatchObject({ [index.index.digest]: ["multi"], [second.manifest.digest]: ["moved"] });
        if (!listsUntagged) return;
        expect(all[first.manifest.digest]).toEqual([]);
        for (const { manifest } of index.images) expect(all[manifest.digest]).toEqual([]);
      });
    });
  }

  if (can("deleteImage") && can("listImages")) {
    describe("deletion of an image", () => {
      const twoTags = async () => {
        const { suite, registry, fresh } = subject();
        const { name } = await suite.ok("createRepository", { registry, name: fresh() });
        const client = await pushing(name);
        const [image, other] = [buildImage({ seed: name }), buildImage({ seed: `${name} other` })];
        for (const tag of ["1.0", "latest"]) await pushImage(client, name, tag, image);
        await pushImage(client, name, "2.0", other);
        const remove = (reference: string) => suite.ok("deleteImage", { registry, repoId: name, reference });
        return { name, digest: image.manifest.digest, other: other.manifest.digest, remove };
      };

      test("by digest takes the image and its tags, nothing else, and can be repeated", async () => {
        const { name, digest, other, remove } = await twoTags();
        expect(await remove(digest)).toEqual({});
        expect(await tagsByDigest(name)).toEqual({ [other]: ["2.0"] });
        await remove(digest);
        expect(await tagsByDigest(name)).toEqual({ [other]: ["2.0"] });
      });

      if (deletesTags) {
        test("by tag takes that tag alone, and can be repeated", async () => {
          const { name, digest, other, remove } = await twoTags();
          for (let times = 0; times < 2; times++) {
            await remove("latest");
            expect(await tagsByDigest(name)).toEqual({ [digest]: ["1.0"], [other]: ["2.0"] });
          }
          await remove("1.0");
          const left = imageEndsWithTags || !listsUntagged ? {} : { [digest]: [] };
          expect(await tagsByDigest(name)).toEqual({ ...left, [other]: ["2.0"] });
        });
      } else {
        test("by tag is refused where the registry deletes by digest alone, and nothing is changed", async () => {
          const { suite, registry } = subject();
          const { name, digest, other } = await twoTags();
          const { body } = await suite.refused("deleteImage", { registry, repoId: name, reference: "latest" });
          expect(body).toMatchObject({ code: "OPERATION_NOT_SUPPORTED", hint: expect.any(String) });
          expect(await tagsByDigest(name)).toEqual({ [digest]: ["1.0", "latest"], [other]: ["2.0"] });
        });
      }

      test("of what is not in this repository changes nothing", async () => {
        const { suite, registry, fresh } = subject();
        const { name, digest, other } = await twoTags();
        const { name: empty } = await suite.ok("createRepository", { registry, name: fresh() });
        for (const repoId of [empty, fresh("never")]) {
          await suite.ok("deleteImage", { registry, repoId, reference: digest });
          if (deletesTags) await suite.ok("deleteImage", { registry, repoId, reference: "1.0" });
        }
        expect(await tagsByDigest(name)).toEqual({ [digest]: ["1.0", "latest"], [other]: ["2.0"] });
      });

      test("of something that is no tag and no digest is refused", async () => {
        const { suite, registry } = subject();
        const { name, digest, other } = await twoTags();
        for (const reference of ["a/b", `${name}:1.0`, "", digest.slice(0, -1), "*"]) {
          const { body } = await suite.refused("deleteImage", { registry, repoId: name, reference });
          expect(body).toMatchObject({ code: "INVALID_INPUT", context: { field: "reference" } });
        }
        expect(await tagsByDigest(name)).toEqual({ [digest]: ["1.0", "latest"], [other]: ["2.0"] });
      });

      test("takes nothing with it by which a repository is known to exist", async () => {
        const { suite, registry, fresh } = subject();
        const { name } = await suite.ok("createRepository", { registry, name: fresh() });
        const input = { registry, repoId: name, reference: repositoryMarker.manifest.digest };
        // Where there is no marker, it is an image that is not there.
        await Promise.allSettled([suite.ok("deleteImage", input)]);
        expect((await suite.ok("getRepository", { registry, repoId: name })).name).toBe(name);
      });

      if (ownTag !== undefined) {
        test("of our own marker is refused, and the repository stays", async () => {
          const { suite, registry, fresh } = subject();
          const { name } = await suite.ok("createRepository", { registry, name: fresh() });
          const { body } = await suite.refused("deleteImage", { registry, repoId: name, reference: ownTag });
          expect(body).toMatchObject({ code: "INVALID_INPUT", context: { field: "reference" } });
          expect((await suite.ok("getRepository", { registry, repoId: name })).name).toBe(name);
        });
      }
    });
  }

  if (can("listGranteeAccess") && can("removeGranteeAccess")) {
    describe("one consumer", () => {
      const accesses = (cloud: string | undefined, id: string): CrossAccountAccess =>
        cloud === "gcp"
          ? { type: "gcp", projectNumbers: [id], serviceAccountEmails: [], allowedServiceTypes: ["worker"] }
          : { type: "aws", accountIds: [id], regions: [], roleArns: [], allowedServiceTypes: ["worker"] };
      const granted = async () => {
        const { suite, registry, fresh } = subject();
        const { crossAccountAccess: cloud, crossAccountScope } = (await suite.ok("describeRegistry", { registry }))
          .capabilities;
        const names: string[] = [];
        for (let each = 0; each < 3; each++) {
          const { name } = await suite.ok("createRepository", { registry, name: fresh("shared") });
          for (const id of each === 2 ? [otherGrantee] : [onlyGrantee, otherGrantee]) {
            await suite.ok("addCrossAccountAccess", { registry, repoId: name, access: accesses(cloud, id) });
          }
          names.push(name);
        }
        return { cloud, names, wide: crossAccountScope === "registry" };
      };
      const may = async (grantee: string) => {
        const { suite, registry } = subject();
        const pages = await readList<{ repositories: GranteeAccess[]; nextPageToken?: string }>(
          { suite },
          "listGranteeAccess",
          { registry, grantee },
        );
        return pages.flatMap(({ repositories }) => repositories);
      };
      const end = async (grantee: string) => {
        const { suite, registry } = subject();
        const input = { registry, grantee };
        const pages = await readList<{ changed: string[]; nextPageToken?: string }>(
          { suite },
          "removeGranteeAccess",
          input,
        );
        return pages.flatMap(({ changed }) => changed);
      };

      test("is told what it may pull; its end takes all of that, and nothing from anybody else", async () => {
        const { suite, registry } = subject();
        const { cloud, names, wide } = await granted();
        const [mine, theirs] = [`${cloud}:${onlyGrantee}`, `${cloud}:${otherGrantee}`];
        const before = await may(mine);
        const of = (accesses: readonly GranteeAccess[]) => accesses.map(({ repoId }) => repoId).sort();
        if (!wide) expect(of(before)).toEqual(expect.arrayContaining(names.slice(0, 2)));
        if (!wide) expect(of(before)).not.toContain(names[2]);
        for (const { grants } of before) expect(JSON.stringify(grants)).not.toContain(otherGrantee);
        const others = await may(theirs);
        expect((await end(mine)).sort()).toEqual(of(before));
        expect(await end(mine)).toEqual([]);
        expect(await may(mine)).toEqual([]);
        expect(await may(theirs)).toEqual(others);
        for (const repoId of names) {
          const { access } = (await suite.ok("getCrossAccountAccess", { registry, repoId })) as { access?: object };
          expect(JSON.stringify(access)).not.toContain(onlyGrantee);
          expect(JSON.stringify(access)).toContain(otherGrantee);
        }
      });

      test("whom nobody let in may pull nothing, and its end changes nothing", async () => {
        const { cloud } = await granted();
        const nobody = `${cloud}:${"9".repeat(12)}`;
        expect(await may(nobody)).toEqual([]);
        expect(await end(nobody)).toEqual([]);
      });

      test("with a wildcard, of another cloud, or whom no rule names, is refused", async () => {
        const { suite, registry } = subject();
        const { cloud } = await granted();
        const elsewhere = cloud === "aws" ? "gcp:123456789012" : "aws:123456789012";
        for (const operation of ["listGranteeAccess", "removeGranteeAccess"] as const) {
          for (const grantee of [`${cloud}:*`, `${cloud}:44445555*`, elsewhere]) {
            const { body } = await suite.refused(operation, { registry, grantee });
            expect(body).toMatchObject({ code: "INVALID_INPUT", context: { field: "grantee" } });
          }
        }
        const grantee = `${cloud}:${otherGrantee}`;
        const { body } = await suite.refused("removeGranteeAccess", { registry, grantee }, "granter");
        expect(body).toMatchObject({ code: "ACCESS_DENIED", context: { field: "grantees" } });
      });
    });
  }
}
