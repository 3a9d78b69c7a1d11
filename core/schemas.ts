import * as v from "valibot";
import { characters, region } from "./credential-fields.ts";

export * from "./credential-fields.ts";

/** Values that callers send and get. Each is validated on the wire and described in `/openapi.json` from here. */

export const logicalName = v.pipe(
  v.string(),
  v.regex(characters(1, 256), "must be 1 to 256 characters without control characters"),
  v.description("Logical name. Each platform maps it to its grammar. No image reference, URL or ARN."),
  v.examples(["my-app", "prj_abc123"]),
);

export const via = v.pipe(
  v.picklist(["registry", "gateway"], 'must be "registry" or "gateway"'),
  v.description("Where the credentials count: at the platform's own registry, or at the gateway."),
);

export const timestamp = v.pipe(v.string(), v.isoTimestamp(), v.description("ISO 8601, UTC."));

export const authMethod = v.pipe(
  v.picklist(["basic", "bearer"]),
  v.description("How to present credentials to the registry."),
);

export const scope = v.pipe(
  v.picklist(["repository", "registry"]),
  v.description("One repository alone, or all of them where the platform cannot narrow it further."),
);

export const serviceType = v.picklist(["worker"]);

const allowedServiceTypes = v.pipe(
  v.array(serviceType),
  v.maxLength(1),
  v.description("Compute services of the consumer that may pull, under identities of the platform's own."),
);

export const accountId = v.pipe(v.string(), v.regex(/^\d{12}$/, "must be 12 digits"));
export const roleArn = v.pipe(
  v.string(),
  v.regex(
    /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/,
    "must be the literal ARN of an IAM role (no wildcard, no root, no session)",
  ),
);
export const projectNumber = v.pipe(v.string(), v.regex(/^\d{6,20}$/, "must be a project number (digits only)"));
export const serviceAccountEmail = v.pipe(
  v.string(),
  v.regex(
    /^[a-z0-9][a-z0-9.-]{0,127}@[a-z0-9.-]{1,200}\.gserviceaccount\.com$/,
    "must be the literal e-mail address of a service account",
  ),
);

export const awsAccess = v.strictObject({
  type: v.literal("aws"),
  accountIds: v.array(accountId),
  regions: v.array(region),
  roleArns: v.array(roleArn),
  allowedServiceTypes,
});

export const gcpAccess = v.strictObject({
  type: v.literal("gcp"),
  projectNumbers: v.pipe(
    v.array(projectNumber),
    v.description(
      "Projects whose Cloud Run service agents may pull. Cloud Run also wants whoever deploys to be let in.",
    ),
  ),
  serviceAccountEmails: v.pipe(
    v.array(serviceAccountEmail),
    v.description("Accounts that may pull, such as those that deploy to Cloud Run."),
  ),
  allowedServiceTypes,
});

export const crossAccountAccess = v.variant("type", [awsAccess, gcpAccess]);

export const repository = v.strictObject({
  name: v.pipe(v.string(), v.description("Routable name: pass it to every other operation.")),
  uri: v.optional(v.pipe(v.string(), v.description("Image URI without tag; absent while the repository is created."))),
  createdAt: v.optional(timestamp),
});

export const password = v.pipe(v.string(), v.description("Password (basic) or token (bearer). A secret."));

export const credentialId = v.pipe(
  v.string(),
  v.regex(characters(1, 256), "must be 1 to 256 characters without control characters"),
  v.description("Names these credentials in the audit log. No secret."),
  v.examples(["0b9f6a43-52c1-4a0e-9a51-6f2d3c0e8a17"]),
);

export const credentials = v.strictObject({
  authMethod,
  username: v.pipe(v.string(), v.description("Empty for bearer.")),
  password,
  expiresAt: v.optional(v.pipe(timestamp, v.description("The moment until which they are promised to work."))),
  scope,
  // Where they count, if a region was asked for. The credential helper loads this file: no text that it does not need.
  registryEndpoint: v.optional(v.string()),
  // Optional for clients: a function of an earlier version sends none.
  credentialId: v.optional(credentialId),
});

const issuerOrSubject = v.pipe(v.string(), v.minLength(1, "must not be empty"), v.maxLength(2_048));

export const caller = v.pipe(
  v.strictObject({ issuer: issuerOrSubject, subject: issuerOrSubject }),
  v.description("Who got them, as the audit log names the caller."),
);

/** Access that something of somebody else's gives, which no operation touches. */
export const unmanaged = v.strictObject({
  statement: v.pipe(
    v.string(),
    v.description("The statement's Sid, or its place, as `statement 3`, where it has none; the role of a binding."),
    v.examples(["LambdaECRImageRetrievalPolicy", "statement 3"]),
  ),
  region: v.optional(v.pipe(v.string(), v.description("The replica region whose policy has it; absent for home."))),
  principals: v.pipe(
    v.array(v.string()),
    v.description("Whom it lets in, as the policy names them; `*` is everybody."),
  ),
  actions: v.pipe(v.array(v.string()), v.description("What it allows, as the policy names it.")),
  conditional: v.pipe(v.boolean(), v.description("Whether it holds only under a condition, which the policy tells.")),
  unreadable: v.optional(
    v.pipe(v.literal(true), v.description("It says what these fields cannot, as NotPrincipal. It may allow less.")),
  ),
});

/** A principal that the platform refuses. */
export const leftOut = v.strictObject({
  principal: v.pipe(v.string(), v.description("An account or role that had access beside whom the call revokes.")),
  region: v.pipe(v.string(), v.description("The region that refuses it, and whose policy no longer names it.")),
});

export const revokedAccess = v.strictObject({
  leftOut: v.optional(
    v.pipe(v.array(leftOut), v.description("Whom AWS refuses, and the edit therefore had to leave out.")),
  ),
  unmanaged: v.optional(
    v.pipe(v.array(unmanaged), v.description("What still lets somebody in who was revoked; others wrote it.")),
  ),
});

export const crossAccountPermissions = v.strictObject({
  access: crossAccountAccess,
  grants: v.pipe(
    v.array(crossAccountAccess),
    v.description("The exact state: these values, added one by one, give it."),
  ),
  scope: v.optional(scope),
  unmanaged: v.optional(
    v.pipe(v.array(unmanaged), v.description("Statements that others wrote, and that let somebody pull.")),
  ),
  lastUpdated: v.optional(v.pipe(timestamp, v.description("When access was last edited, where that is recorded."))),
});

export const finding = v.strictObject({ message: v.string(), hint: v.optional(v.string()) });

export const backfill = v.strictObject({
  region,
  images: v.pipe(v.number(), v.integer(), v.description("How many images the region lacked.")),
  sizeBytes: v.pipe(v.number(), v.integer(), v.description("Their size. A layer that several share counts each time.")),
  state: v.pipe(
    v.picklist(["complete", "started", "running", "waiting"]),
    v.description(
      "complete: nothing was lacking. running: an earlier one is under way. waiting: the platform runs no more at once; call again later.",
    ),
  ),
  others: v.optional(
    v.pipe(
      v.array(v.string()),
      v.description("Prefixes of others' rules to this region: what they match is copied too, and not counted here."),
    ),
  ),
});

export const health = v.strictObject({
  status: v.picklist(["healthy", "degraded", "unhealthy"]),
  findings: v.array(finding),
});

export const errorJson = v.strictObject({
  code: v.string(),
  message: v.string(),
  retryable: v.boolean(),
  httpStatusCode: v.pipe(v.number(), v.integer()),
  context: v.optional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]))),
  hint: v.optional(v.string()),
  requestId: v.string(),
});

export type CrossAccountAccess = v.InferOutput<typeof crossAccountAccess>;
export type AwsAccess = v.InferOutput<typeof awsAccess>;
export type GcpAccess = v.InferOutput<typeof gcpAccess>;
export type RepositoryResponse = v.InferOutput<typeof repository>;
export type ArtifactRegistryCredentials = v.InferOutput<typeof credentials>;
export type Unmanaged = v.InferOutput<typeof unmanaged>;
export type LeftOut = v.InferOutput<typeof leftOut>;
export type RevokedAccess = v.InferOutput<typeof revokedAccess>;
export type CrossAccountPermissions = v.InferOutput<typeof crossAccountPermissions>;
export type Backfill = v.InferOutput<typeof backfill>;
export type Health = v.InferOutput<typeof health>;
export type Finding = v.InferOutput<typeof finding>;
