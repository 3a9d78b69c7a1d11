import * as v from "valibot";

const accountRole = v.pipe(
  v.string(),
  v.regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/, "must be the ARN of an IAM role"),
);

/** Of the 50 tags that a resource may have, five are left for our own. */
const tagsAtMost = 45;

/** Tags of a repository (Amazon ECR user guide, "Tag restrictions"). Those that begin with `aws:` are AWS's, and some are ours. */
const tags = v.pipe(
  v.record(
    v.pipe(
      v.string(),
      v.regex(
        /^(?!aws:|alien:artifact-registry)[\p{L}\p{Z}\p{N}_.:/=+@-]{1,128}$/iu,
        "must be a tag's key, and none of AWS's or ours",
      ),
    ),
    v.pipe(
      v.string(),
      v.regex(/^[\p{L}\p{Z}\p{N}_.:/=+@-]{0,256}$/u, "must be a tag's value of at most 256 characters"),
    ),
  ),
  v.check((all) => Object.keys(all).length <= tagsAtMost, `must have at most ${tagsAtMost} entries`),
);

const region = v.pipe(v.string(), v.regex(/^[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}$/, "must be a region"));

const kmsKey = v.pipe(v.string(), v.minLength(1), v.maxLength(2_048));

/** What a new repository gets beside its name. An existing one is left as it is. */
const repositoryDefaults = v.strictObject({
  imageTagMutability: v.optional(
    v.picklist(["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]),
  ),
  /** Tags to which the opposite applies, with `*` as a wildcard; for the two kinds of mutability with exclusions. */
  imageTagMutabilityExclusions: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.regex(/^[0-9a-zA-Z._*-]{1,128}$/, "must be a tag, or a part of one with *"))),
      v.minLength(1, "must have at least 1 entry"),
      v.maxLength(5, "must have at most 5 entries"),
    ),
  ),
  scanOnPush: v.optional(v.boolean()),
  /** How KMS encrypts: once, or twice (`KMS_DSSE`). With neither this nor a key, ECR's own AES-256 does. */
  encryptionType: v.optional(v.picklist(["KMS", "KMS_DSSE"])),
  /** ARN, id or alias of a KMS key in the home region. Absent with an `encryptionType` means the key that AWS keeps for ECR. */
  kmsKey: v.optional(kmsKey),
  /** The keys of replica regions, by region. An alias and a multi-Region key (`mrk-…`) need none: they are there under the same name. */
  replicaKmsKeys: v.optional(v.record(region, kmsKey)),
  /** Keeps this many images and lets the older ones expire. */
  keepLast: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  tags: v.optional(tags),
});

/** Prefix of all repositories of a registry: part of an ECR name, so without a separator at its end. */
const repositoryPrefix = v.pipe(
  v.string(),
  v.regex(
    /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/,
    "must be a repository name in ECR's grammar",
  ),
  v.minLength(2, "must have at least 2 characters"),
  v.maxLength(128, "must have at most 128 characters"),
);

export const ecrBinding = v.strictObject({
  service: v.literal("ecr"),
  repositoryPrefix,
  pullRoleArn: v.optional(accountRole),
  pushRoleArn: v.optional(accountRole),
  replicationRegions: v.optional(v.array(region)),
  /** DynamoDB table of the leases under which policies are edited. Required on Lambda for edits. */
  leaseTable: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]{3,255}$/, "must be a table's name"))),
  repositoryDefaults: v.optional(
    v.pipe(
      repositoryDefaults,
      v.check(
        ({ imageTagMutability: kind, imageTagMutabilityExclusions: exclusions }) =>
          (kind?.endsWith("_WITH_EXCLUSION") ?? false) === (exclusions !== undefined),
        "must have imageTagMutabilityExclusions with a mutability WITH_EXCLUSION, and with no other",
      ),
    ),
  ),
});

/** Repository names of ECR Public know single separators only. */
const publicRepositoryPrefix = v.pipe(
  v.string(),
  v.regex(
    /^[a-z0-9]+(?:[._-][a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-][a-z0-9]+)*)*$/,
    "must be a repository name in ECR Public's grammar",
  ),
  v.minLength(2, "must have at least 2 characters"),
  v.maxLength(128, "must have at most 128 characters"),
);

const publicRole = v.pipe(accountRole, v.regex(/^arn:aws:/, "must be a role in the partition aws"));

const text = (length: number) => v.pipe(v.string(), v.maxLength(length, `must have at most ${length} characters`));

const badges = v.pipe(
  v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(50, "must have at most 50 characters"))),
  v.maxLength(50, "must have at most 50 entries"),
);

const logoBytesAtMost = 512_000;

/** What the Amazon ECR Public Gallery shows of a new repository (API reference, RepositoryCatalogDataInput). */
const catalogData = v.strictObject({
  description: v.optional(text(1_024)),
  /** Markdown. */
  about: v.optional(text(25_600)),
  /** Markdown. */
  usage: v.optional(text(25_600)),
  /** As `ARM 64` or `x86-64`; the gallery makes badges of those that it knows. */
  architectures: v.optional(badges),
  /** As `Linux` or `Windows`. */
  operatingSystems: v.optional(badges),
  /** A picture in base64. */
  logo: v.optional(
    v.pipe(
      v.string(),
      v.base64("must be base64"),
      v.check((logo) => Buffer.byteLength(logo, "base64") <= logoBytesAtMost, "must have at most 512,000 bytes"),
    ),
  ),
});

export const ecrPublicBinding = v.strictObject({
  service: v.literal("ecr-public"),
  repositoryPrefix: publicRepositoryPrefix,
  pullRoleArn: v.optional(publicRole),
  pushRoleArn: v.optional(publicRole),
  catalogData: v.optional(catalogData),
  /** What a new repository gets beside its name. An existing one is left as it is. */
  repositoryDefaults: v.optional(v.strictObject({ tags: v.optional(tags) })),
});

export type CatalogData = v.InferOutput<typeof catalogData>;
export type EcrPublicBinding = v.InferOutput<typeof ecrPublicBinding>;
export type EcrBinding = v.InferOutput<typeof ecrBinding>;
