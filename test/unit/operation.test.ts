import { describe, expect, test } from "vitest";
import type { ArtifactRegistryError } from "../../core/errors.ts";
import { isOperationName, type OperationName, operationNames, operations } from "../../core/operations.ts";
import { awsAccess, errorOf, gcpAccess, goodInputs } from "../support/inputs.ts";

const parse = (name: OperationName, input: unknown) => operations[name].parse(input);
const refusal = (name: OperationName, input: unknown): Promise<ArtifactRegistryError> =>
  errorOf(() => parse(name, input));

describe.each(operationNames)("%s", (name) => {
  const good = goodInputs[name];

  test("takes its smallest input", () => {
    const parsed = parse(name, good);
    expect(parsed.registry).toBe("images");
    expect(parsed.repoId).toBe(good.repoId ?? good.name);
  });

  test.each(["extra", "Registry", "repo_id", "operation", "", " ", "__proto__x"])(
    "refuses the unknown field %j",
    async (field) => {
      expect(await refusal(name, { ...good, [field]: 1 })).toMatchObject({
        code: "INVALID_INPUT",
        message: `"${field}" is not a field of this operation.`,
      });
    },
  );

  test.each(Object.keys(good))("refuses to do without %s", async (field) => {
    const { [field]: _, ...rest } = good;
    expect(await refusal(name, rest)).toMatchObject({
      code: "INVALID_INPUT",
      message: `"${field}" is missing.`,
      context: { field },
    });
  });

  test.each(Object.keys(good))("refuses null and other types for %s, naming it", async (field) => {
    for (const wrong of [null, 1, true, [], {}]) {
      const error = await refusal(name, { ...good, [field]: wrong });
      expect(error.code).toBe("INVALID_INPUT");
      expect(String(error.context?.field)).toMatch(new RegExp(`^${field}`));
      expect(error.message).toContain(`"${field}`);
    }
  });

  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a list", [good]],
    ["a string", JSON.stringify(good)],
    ["a number", 1],
    ["true", true],
  ])("refuses %s for its input", async (_title, input) => {
    const error = await refusal(name, input);
    expect(error.code).toBe("INVALID_INPUT");
    expect(error.message).toMatch(/^The body (?:must be a JSON object|is missing)\.$/);
  });
});

const bad = (name: OperationName, part: object, field: string, message: RegExp) =>
  [`${name} ${JSON.stringify(part).slice(0, 60)}`, name, part, field, message] as const;
const role = "arn:aws:iam::123456789012:role/puller";
const aws = (part: object) => ({ access: { ...awsAccess, ...part } });
const gcp = (part: object) => ({ access: { ...gcpAccess, ...part } });

test.each([
  bad("createRepository", { name: "" }, "name", /1 to 256 characters/),
  bad("createRepository", { name: "x".repeat(257) }, "name", /1 to 256 characters/),
  bad("createRepository", { name: "x".repeat(10_000) }, "name", /1 to 256 characters/),
  bad("createRepository", { name: "🦊".repeat(257) }, "name", /1 to 256 characters/),
  bad("createRepository", { name: "a\nb" }, "name", /without control characters/),
  bad("createRepository", { name: "a\u0000" }, "name", /without control characters/),
  bad("createRepository", { name: "a\u007f" }, "name", /without control characters/),
  bad("createRepository", { name: "a\u0085" }, "name", /without control characters/),
  bad("createRepository", { name: "app\n" }, "name", /without control characters/),
  bad("createRepository", { registry: "" }, "registry", /1 to 64 characters/),
  bad("createRepository", { registry: "x".repeat(65) }, "registry", /1 to 64 characters/),
  bad("createRepository", { registry: "../images" }, "registry", /of A-Z/),
  bad("createRepository", { registry: "images\n" }, "registry", /of A-Z/),
  bad("getRepository", { repoId: "" }, "repoId", /1 to 512 characters/),
  bad("getRepository", { repoId: "x".repeat(513) }, "repoId", /1 to 512 characters/),
  bad("getRepository", { repoId: "a\tb" }, "repoId", /without control characters/),
  bad("generateCredentials", { permissions: "push" }, "permissions", /must be "pull" or "push-pull"/),
  bad("generateCredentials", { permissions: "PULL" }, "permissions", /must be "pull" or "push-pull"/),
  bad("generateCredentials", { ttlSeconds: 0 }, "ttlSeconds", /at least 1 second/),
  bad("generateCredentials", { ttlSeconds: -1 }, "ttlSeconds", /at least 1 second/),
  bad("generateCredentials", { ttlSeconds: 1.5 }, "ttlSeconds", /whole number/),
  bad("generateCredentials", { ttlSeconds: Number.POSITIVE_INFINITY }, "ttlSeconds", /whole number/),
  bad("generateCredentials", { ttlSeconds: "900" }, "ttlSeconds", /must be a number; got "900"/),
  bad("generateCredentials", { ttlSeconds: null }, "ttlSeconds", /must be a number; got null/),
  bad("addCrossAccountAccess", { access: { type: "azure" } }, "access.type", /"aws" \| "gcp"/),
  bad("addCrossAccountAccess", { access: {} }, "access.type", /missing/),
  bad("addCrossAccountAccess", { access: [] }, "access.type", /missing/),
  bad("addCrossAccountAccess", { access: { type: "aws" } }, "access.accountIds", /missing/),
  bad("addCrossAccountAccess", aws({ projectNumbers: [] }), "access.projectNumbers", /not a field/),
  bad("addCrossAccountAccess", aws({ accountIds: "123456789012" }), "access.accountIds", /a list/),
  bad("addCrossAccountAccess", aws({ accountIds: ["123456789012", "*"] }), "access.accountIds.1", /12 digits/),
  bad("addCrossAccountAccess", aws({ accountIds: ["12345678901"] }), "access.accountIds.0", /12 digits/),
  bad("addCrossAccountAccess", aws({ accountIds: ["١٢٣٤٥٦٧٨٩٠١٢"] }), "access.accountIds.0", /12 digits/),
  bad("addCrossAccountAccess", aws({ accountIds: ["123456789012\n"] }), "access.accountIds.0", /12 digits/),
  bad(
    "addCrossAccountAccess",
    aws({ accountIds: ["arn:aws:iam::123456789012:root"] }),
    "access.accountIds.0",
    /12 digits/,
  ),
  bad("addCrossAccountAccess", aws({ accountIds: [123456789012] }), "access.accountIds.0", /string/),
  bad("addCrossAccountAccess", aws({ regions: ["*"] }), "access.regions.0", /plain region/),
  bad("addCrossAccountAccess", aws({ regions: ["us-*"] }), "access.regions.0", /plain region/),
  bad("addCrossAccountAccess", aws({ regions: ["us-east-1:123456789012"] }), "access.regions.0", /plain region/),
  bad("addCrossAccountAccess", aws({ roleArns: [role, "*"] }), "access.roleArns.1", /literal ARN/),
  bad("addCrossAccountAccess", aws({ roleArns: [`${role}*`] }), "access.roleArns.0", /literal ARN/),
  bad("addCrossAccountAccess", aws({ roleArns: [`${role}?`] }), "access.roleArns.0", /literal ARN/),
  bad("addCrossAccountAccess", aws({ roleArns: ["arn:aws:iam::*:role/x"] }), "access.roleArns.0", /literal ARN/),
  bad(
    "addCrossAccountAccess",
    aws({ roleArns: ["arn:aws:iam::123456789012:root"] }),
    "access.roleArns.0",
    /literal ARN/,
  ),
  bad(
    "addCrossAccountAccess",
    aws({ roleArns: ["arn:aws:iam::123456789012:user/x"] }),
    "access.roleArns.0",
    /literal ARN/,
  ),
  bad(
    "addCrossAccountAccess",
    aws({ roleArns: ["arn:aws:sts::123456789012:assumed-role/x/y"] }),
    "access.roleArns.0",
    /literal ARN/,
  ),
  bad("addCrossAccountAccess", aws({ roleArns: [`${role}","AWS":"*`] }), "access.roleArns.0", /literal ARN/),
  bad("addCrossAccountAccess", aws({ allowedServiceTypes: ["lambda"] }), "access.allowedServiceTypes.0", /"worker"/),
  bad("addCrossAccountAccess", gcp({ projectNumbers: ["my-project"] }), "access.projectNumbers.0", /digits only/),
  bad(
    "addCrossAccountAccess",
    gcp({ serviceAccountEmails: ["allUsers"] }),
    "access.serviceAccountEmails.0",
    /literal e-mail/,
  ),
  bad(
    "addCrossAccountAccess",
    gcp({ serviceAccountEmails: ["me@example.com"] }),
    "access.serviceAccountEmails.0",
    /literal e-mail/,
  ),
  bad(
    "addCrossAccountAccess",
    gcp({ serviceAccountEmails: ["serviceAccount:x@p.iam.gserviceaccount.com"] }),
    "access.serviceAccountEmails.0",
    /literal/,
  ),
  bad(
    "addCrossAccountAccess",
    gcp({ serviceAccountEmails: ["*@p.iam.gserviceaccount.com"] }),
    "access.serviceAccountEmails.0",
    /literal/,
  ),
  bad(
    "addCrossAccountAccess",
    gcp({ serviceAccountEmails: ["x@p.iam.gserviceaccount.com.evil.example"] }),
    "access.serviceAccountEmails.0",
    /literal/,
  ),
  bad("removeCrossAccountAccess", aws({ roleArns: ["*"] }), "access.roleArns.0", /literal ARN/),
  bad("setupRepository", { access: awsAccess }, "access", /a list/),
  bad("setupRepository", { access: [awsAccess, null] }, "access.1", /an object/),
  bad("setupRepository", { access: [{ ...awsAccess, extra: 1 }] }, "access.0.extra", /not a field/),
  bad("setupRepository", { access: Array(101).fill(awsAccess) }, "access", /100/),
  bad("revokeCredentials", { repoId: "" }, "repoId", /1 to 512/),
  bad("revokeCredentials", { permissions: "push" }, "permissions", /push-pull/),
  bad("revokeCredentials", { caller: "aws" }, "caller", /a JSON object/),
  bad("revokeCredentials", { caller: { issuer: "aws" } }, "caller.subject", /missing/),
  bad("revokeCredentials", { caller: { issuer: "aws", subject: "" } }, "caller.subject", /empty/),
  bad("revokeCredentials", { caller: { issuer: "aws", subject: "x", claims: {} } }, "caller.claims", /not a field/),
  bad("revokeCredentials", { credentialId: "" }, "credentialId", /1 to 256/),
  bad("revokeCredentials", { credentialId: ["one"] }, "credentialId", /a string/),
  bad("provisionRegistry", { replicationRegions: "us-east-1" }, "replicationRegions", /a list/),
  bad("provisionRegistry", { replicationRegions: ["everywhere"] }, "replicationRegions.0", /plain region/),
  bad("deprovisionRegistry", { deleteRepositories: "yes" }, "deleteRepositories", /true or false/),
  bad("deprovisionRegistry", { deleteRepositories: 1 }, "deleteRepositories", /true or false/),
])("%s is refused, naming the field", async (_title, name, part, field, message) => {
  const error = await refusal(name, { ...goodInputs[name], ...part });
  expect(error).toMatchObject({ code: "INVALID_INPUT", httpStatusCode: 400, retryable: false, context: { field } });
  expect(error.message).toMatch(message);
  expect(error.message).toContain(`"${field}"`);
});

test.each<[OperationName, object]>([
  ["createRepository", { name: "x".repeat(256) }],
  ["createRepository", { name: "🦊".repeat(256) }],
  ["createRepository", { name: "日本 / Ünï" }],
  ["createRepository", { registry: "My_images-2" }],
  ["generateCredentials", { ttlSeconds: 1 }],
  ["generateCredentials", { ttlSeconds: 10 ** 12 }],
  ["generateCredentials", { permissions: "push-pull" }],
  ["addCrossAccountAccess", aws({ regions: ["us-gov-west-1", "eu-central-2", "us-iso-east-1", "ap-southeast-7"] })],
  ["addCrossAccountAccess", aws({ roleArns: ["arn:aws-cn:iam::123456789012:role/a/path/with+=,.@-_"] })],
  ["addCrossAccountAccess", gcp({ serviceAccountEmails: ["123-compute@developer.gserviceaccount.com"] })],
  [
    "revokeCredentials",
    { repoId: "my-app", permissions: "pull", caller: { issuer: "aws", subject: "x" }, credentialId: "one" },
  ],
  ["setupRepository", { access: [awsAccess, gcpAccess] }],
  ["provisionRegistry", { replicationRegions: [] }],
  ["deprovisionRegistry", { deleteRepositories: true }],
])("%s takes %j", (name, part) => {
  expect(() => parse(name, { ...goodInputs[name], ...part })).not.toThrow();
});

test("a field is named whole up to 100 characters, and a value up to 80", async () => {
  const fieldOf = async (length: number) => {
    const error = await refusal("getRepository", { ...goodInputs.getRepository, ["x".repeat(length)]: 1 });
    return error.context?.field;
  };
  expect([await fieldOf(100), await fieldOf(101)]).toEqual(["x".repeat(100), `${"x".repeat(97)}...`]);
  const messageOf = async (length: number) =>
    (await refusal("generateCredentials", { ...goodInputs.generateCredentials, ttlSeconds: "x".repeat(length) }))
      .message;
  expect(await messageOf(80)).toContain(`got "${"x".repeat(80)}".`);
  expect(await messageOf(81)).toContain(`got "${"x".repeat(80)}...".`);
});

test("a message stays short, whatever the input", async () => {
  const long = "x".repeat(60_000);
  const inputs = [
    { [long]: 1 },
    { repoId: long },
    { permissions: long },
    { ttlSeconds: long },
    { access: { type: long } },
  ];
  for (const input of inputs) {
    for (const name of operationNames) {
      const error = await refusal(name, { ...goodInputs[name], ...input });
      expect(JSON.stringify(error.toWire("r")).length).toBeLessThan(1_000);
    }
  }
});

test.each(["constructor", "toString", "__proto__", "", "CreateRepository", "createRepository "])(
  "%j is no operation",
  (name) => {
    expect(isOperationName(name)).toBe(false);
  },
);
