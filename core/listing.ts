import * as v from "valibot";
import type { Call } from "./call.ts";
import { ArtifactRegistryError, invalidInput } from "./errors.ts";
import {
  type Bounds,
  defineOperation,
  type Grantee,
  notSupported,
  onEveryRepository,
  onRepository,
} from "./operation.ts";
import { type ListTokens, readPage } from "./pages.ts";
import type { ArtifactRegistry, Consumer, ImageReference } from "./registry.ts";
import { granteeAccess, image, pageToken } from "./registry-schemas.ts";
import * as schema from "./schemas.ts";

/** The operations by which people see and manage what a registry holds, and what a consumer may pull. */

const pageSize = v.pipe(
  v.number(),
  v.integer("must be a whole number"),
  v.minValue(1, "must be at least 1"),
  v.maxValue(1_000, "must be at most 1,000"),
  v.description("How many there are on a page at most; a page may be shorter, or empty. Default 100."),
  v.examples([100]),
);

const page = { pageToken: v.optional(pageToken), pageSize: v.optional(pageSize) };
const next = { nextPageToken: v.optional(pageToken) };

const digestPattern = /(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})/;
const tagPattern = /[A-Za-z0-9_][A-Za-z0-9._-]{0,127}/;

const reference = v.pipe(
  v.string(),
  v.regex(new RegExp(`^(?:${digestPattern.source}|${tagPattern.source})$`), "must be a tag or a digest"),
  v.description(
    "A digest for an image and its tags; a tag for that tag alone. ECR removes an image with its last tag.",
  ),
  v.examples(["1.0"]),
);

const accountPattern = schema.accountId.pipe[1].requirement;
const projectPattern = schema.projectNumber.pipe[1].requirement;
const oneOf = (...patterns: readonly RegExp[]) => `(?:${patterns.map(({ source }) => source.slice(1, -1)).join("|")})`;

const grantee = v.pipe(
  v.string(),
  v.regex(
    new RegExp(
      `^(?:aws:${oneOf(accountPattern, schema.roleArn.pipe[1].requirement)}|gcp:${oneOf(projectPattern, schema.serviceAccountEmail.pipe[1].requirement)})$`,
    ),
    "must be one consumer as rules name it, such as aws:123456789012, without wildcards",
  ),
  v.description("The consumer, as access rules name it. An account is its roles and workers as well."),
  v.examples(["aws:123456789012"]),
);

const inRepository = <Entries extends v.ObjectEntries>({ entries }: { readonly entries: Entries }) =>
  v.strictObject({ repoId: v.string(), ...entries });

export const listing = {
  /** What a registry holds. */
  content: {
    listRepositories: defineOperation({
      summary: "List the repositories",
      description: "Answers the registry's repositories, as far as the caller's rules for this operation cover them.",
      kind: "runtime",
      input: page,
      output: v.strictObject({ repositories: v.array(schema.repository), ...next }),
      demand: () => ({ repository: "none", permissions: "none", grantees: [] }),
      async run(registry, input, call, bounds) {
        const { listRepositories } = registry;
        if (!listRepositories) throw notSupported(registry, "listRepositories");
        const { items: repositories, ...rest } = await readPage(
          (page) => listRepositories(page, call),
          ({ name }) => mayBeSeen(registry, name, bounds),
          input,
          // A caller with few rights need not ask for each page of which it may see nothing.
          { ...tokensOf("listRepositories", input, [], call, bounds), mostReads: 10 },
        );
        bounds.tell({ listed: repositories.length, more: rest.nextPageToken !== undefined });
        return { repositories: [...repositories], ...rest };
      },
    }),

    listImages: defineOperation({
      summary: "List the images of a repository",
      description: "Answers the repository's images by digest, each with its tags, and the untagged ones as well.",
      kind: "runtime",
      input: { repoId: schema.repositoryId, ...page },
      output: v.strictObject({ images: v.array(image), ...next }),
      demand: onRepository,
      async run(registry, input, call, bounds) {
        const { listImages } = registry;
        if (!listImages) throw notSupported(registry, "listImages");
        const name = registry.resolveId(input.repoId);
        const { items: images, ...rest } = await readPage(
          (page) => listImages(name, page, call),
          () => true,
          input,
          tokensOf("listImages", input, [name], call, bounds),
        );
        bounds.tell({ listed: images.length, more: rest.nextPageToken !== undefined });
        return { images: [...images], ...rest };
      },
    }),

    deleteImage: defineOperation({
      summary: "Delete an image or a tag",
      description: "Deletes, by digest, an image and its tags; by tag, that tag alone. Idempotent.",
      kind: "runtime",
      input: { repoId: schema.repositoryId, reference },
      output: v.strictObject({}),
      asked: ({ reference }) => ({ reference }),
      demand: onRepository,
      async run(registry, { repoId, reference }, call) {
        if (!registry.deleteImage) throw notSupported(registry, "deleteImage");
        const image: ImageReference = reference.includes(":") ? { digest: reference } : { tag: reference };
        await registry.deleteImage(registry.resolveId(repoId), image, call);
        return {};
      },
    }),
  },

  /** What one consumer may pull. */
  consumers: {
    listGranteeAccess: defineOperation({
      summary: "List what a consumer may pull",
      description:
        "Answers the repositories, of those that the caller's rules for this operation cover, and the grants.",
      kind: "runtime",
      input: { grantee, pageToken: page.pageToken },
      output: v.strictObject({ repositories: v.array(granteeAccess), ...next }),
      asked: ({ grantee }) => ({ grantees: [grantee] }),
      demand: (registry) => ({
        repository: registry.capabilities.crossAccountScope === "registry" ? "every" : "none",
        permissions: "none",
        grantees: [],
      }),
      async run(registry, input, call, bounds) {
        const { listOf } = registry.crossAccount ?? {};
        if (!listOf) throw notSupported(registry, "listGranteeAccess");
        const consumer = consumerIn(registry, input.grantee);
        const { items: repositories, ...rest } = await readPage(
          (page) => listOf(consumer, page, call),
          ({ repoId }) => mayBeSeen(registry, repoId, bounds),
          input,
          tokensOf("listGranteeAccess", input, [input.grantee], call, bounds),
        );
        bounds.tell({ listed: repositories.length, more: rest.nextPageToken !== undefined });
        return { repositories: [...repositories], ...rest };
      },
    }),

    removeGranteeAccess: defineOperation({
      summary: "End a consumer's access everywhere",
      description:
        "Takes a consumer out of every repository, page by page until no token is left; an account with its roles and workers. Idempotent, and safe to repeat from the start.",
      kind: "runtime",
      input: { grantee, pageToken: page.pageToken },
      output: v.strictObject({
        changed: v.pipe(
          v.array(v.string()),
          v.description("Routable names of the repositories that let it in before."),
        ),
        leftOut: v.optional(
          v.pipe(v.array(inRepository(schema.leftOut)), v.description("Whom AWS refuses, and edits had to leave out.")),
        ),
        unmanaged: v.optional(
          v.pipe(v.array(inRepository(schema.unmanaged)), v.description("What others wrote, and still lets it in.")),
        ),
        ...next,
      }),
      asked: ({ grantee }) => ({ grantees: [grantee] }),
      demand: (_registry, { grantee }) => ({ ...onEveryRepository(), grantees: [namesOf(grantee)] }),
      async run(registry, input, call, bounds) {
        const { removeAll } = registry.crossAccount ?? {};
        if (!removeAll) throw notSupported(registry, "removeGranteeAccess");
        const consumer = consumerIn(registry, input.grantee);
        const { items, ...rest } = await readPage(
          (page) => removeAll(consumer, page, call),
          () => true,
          { pageToken: input.pageToken },
          tokensOf("removeGranteeAccess", input, [input.grantee], call, bounds),
        );
        const changed = items.filter((each) => each.changed).map(({ name }) => name);
        const leftOut = items.flatMap(({ name, leftOut = [] }) => leftOut.map((each) => ({ repoId: name, ...each })));
        const unmanaged = items.flatMap(({ name, unmanaged = [] }) =>
          unmanaged.map((each) => ({ repoId: name, ...each })),
        );
        bounds.tell({ changed, more: rest.nextPageToken !== undefined });
        return {
          changed,
          ...(leftOut.length > 0 && { leftOut }),
          ...(unmanaged.length > 0 && { unmanaged }),
          ...rest,
        };
      },
    }),
  },
} as const;

/**
 * Whether the caller may see a repository of a list. A name that no other operation would read as this very repository is no
 * repository of the registry, whatever the platform says; only an alias may stand before it.
 */
function mayBeSeen(registry: ArtifactRegistry, name: string, { covers }: Bounds): boolean {
  try {
    const resolved = registry.resolveId(name);
    return (name === resolved || name.endsWith(`/${resolved}`)) && covers(resolved);
  } catch (error) {
    if (error instanceof ArtifactRegistryError && error.code === "INVALID_INPUT") return false;
    throw error;
  }
}

/** What the tokens of a list are good for: the operation, the registry, the caller, and what else the list is about. */
function tokensOf(
  operation: string,
  { registry }: { readonly registry: string },
  about: readonly string[],
  { caller, now }: Call,
  { pages }: Bounds,
): ListTokens {
  return { pages, list: [operation, registry, caller.issuer, caller.subject, ...about], now };
}

/** The ways in which a rule may name the consumer. */
function namesOf(grantee: string): Grantee {
  const [, account] = /^aws:arn:[^:]+:iam::(\d{12}):/.exec(grantee) ?? [];
  return account === undefined ? [grantee] : [grantee, `aws:${account}`];
}

/** @throws INVALID_INPUT for a consumer on another cloud than the registry's */
function consumerIn({ capabilities }: ArtifactRegistry, grantee: string): Consumer {
  const [type, name] = [grantee.slice(0, 3), grantee.slice(4)];
  if (type !== capabilities.crossAccountAccess) {
    throw invalidInput(`This registry grants access on "${capabilities.crossAccountAccess}" alone.`, "grantee");
  }
  if (type === "aws") return accountPattern.test(name) ? { type, accountId: name } : { type, roleArn: name };
  return projectPattern.test(name) ? { type: "gcp", projectNumber: name } : { type: "gcp", serviceAccountEmail: name };
}
