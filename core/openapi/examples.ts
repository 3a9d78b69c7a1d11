import { ArtifactRegistryError, type ErrorCode, type ErrorOptions } from "../errors.ts";
import type { OperationName } from "../operations.ts";
import type { AwsAccess, GcpAccess, Unmanaged } from "../schemas.ts";

/** An example object of OpenAPI. */
export interface Example {
  readonly summary?: string;
  readonly value: object;
}

/** One call: what is sent beside `registry`, and what comes back. */
interface Exchange {
  readonly summary: string;
  readonly request: object;
  readonly response: object;
}

const aws: AwsAccess = {
  type: "aws",
  accountIds: ["987654321098"],
  regions: ["us-east-1"],
  roleArns: ["arn:aws:iam::987654321098:role/lambda-execution"],
  allowedServiceTypes: ["worker"],
};
const gcp: GcpAccess = {
  type: "gcp",
  projectNumbers: ["123456789"],
  serviceAccountEmails: ["deploy@project.iam.gserviceaccount.com"],
  allowedServiceTypes: ["worker"],
};
const host = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
const repoId = "images-my-app";
const repository = { name: repoId, uri: `${host}/${repoId}`, createdAt: "2026-01-15T09:30:00.000Z" };
const minted = {
  expiresAt: "2026-01-15T10:30:00.000Z",
  scope: "repository",
  credentialId: "0b9f6a43-52c1-4a0e-9a51-6f2d3c0e8a17",
};

const byHand: Unmanaged = {
  statement: "statement 3",
  principals: ["arn:aws:iam::987654321098:root"],
  actions: ["ecr:BatchGetImage"],
  conditional: false,
};

const digest = `sha256:${"9f86d081884c7d65".repeat(4)}`;
const pageToken = "q83vEjRWeJASNFZ4kBI0VniQq83vEjRWeJASNFZ4kBI0VniQ";

const exchanges: Readonly<Record<OperationName, Readonly<Record<string, Exchange>>>> = {
  createRepository: { ecr: { summary: "On Amazon ECR", request: { name: "my-app" }, response: repository } },
  getRepository: { ecr: { summary: "On Amazon ECR", request: { repoId }, response: repository } },
  deleteRepository: { ecr: { summary: "On Amazon ECR", request: { repoId }, response: {} } },
  listRepositories: {
    first: {
      summary: "The first page, on Amazon ECR",
      request: { pageSize: 1 },
      response: { repositories: [repository], nextPageToken: pageToken },
    },
    last: {
      summary: "The last page",
      request: { pageSize: 1, pageToken },
      response: { repositories: [{ ...repository, name: "images-other", uri: `${host}/images-other` }] },
    },
  },
  listImages: {
    ecr: {
      summary: "On Amazon ECR",
      request: { repoId },
      response: {
        images: [
          {
            digest,
            tags: ["1.0", "latest"],
            mediaType: "application/vnd.oci.image.manifest.v1+json",
            sizeBytes: 4_214_503,
            pushedAt: "2026-01-15T09:31:00.000Z",
            lastPulledAt: "2026-01-16T00:00:00.000Z",
          },
        ],
      },
    },
  },
  deleteImage: {
    digest: { summary: "An image with all its tags", request: { repoId, reference: digest }, response: {} },
    tag: { summary: "One tag", request: { repoId, reference: "1.0" }, response: {} },
  },
  listGranteeAccess: {
    aws: {
      summary: "Of an account on AWS",
      request: { grantee: "aws:987654321098" },
      response: { repositories: [{ repoId, grants: [aws] }] },
    },
  },
  removeGranteeAccess: {
    aws: {
      summary: "Of an account on AWS, the first page",
      request: { grantee: "aws:987654321098" },
      response: { changed: [repoId], nextPageToken: pageToken },
    },
    role: {
      summary: "Of one role on AWS, which a statement of somebody else's lets in as well",
      request: { grantee: "aws:arn:aws:iam::987654321098:role/lambda-execution" },
      response: { changed: [repoId], unmanaged: [{ repoId, ...byHand }] },
    },
  },
  generateCredentials: {
    ecr: {
      summary: "To push, for an hour, on Amazon ECR",
      request: { repoId, permissions: "push-pull", ttlSeconds: 3_600 },
      response: { authMethod: "basic", username: "AWS", password: "(a secret)", ...minted },
    },
    acr: {
      summary: "To pull, for as long as Azure Container Registry allows",
      request: { repoId: "my-app", permissions: "pull" },
      response: { authMethod: "bearer", username: "", password: "(a secret)", ...minted },
    },
    build: {
      summary: "For a build that starts from a base image and pushes elsewhere, on the local platform",
      request: { repoId: "images/my-app", permissions: "push-pull", alsoPull: ["images/base"] },
      response: { authMethod: "basic", username: "token", password: "(a secret)", ...minted },
    },
  },
  revokeCredentials: {
    leaked: {
      summary: "One that leaked, by the id of its audit line",
      request: { credentialId: minted.credentialId },
      response: { notBefore: "2026-01-15T09:41:07.000Z", certainBy: "2026-01-15T09:41:07.000Z" },
    },
    caller: {
      summary: "What a caller got to push to one repository",
      request: {
        repoId: "images/my-app",
        permissions: "push-pull",
        caller: { issuer: "https://token.actions.githubusercontent.com", subject: "repo:acme/app:ref:refs/heads/main" },
      },
      response: { notBefore: "2026-01-15T09:41:07.000Z", certainBy: "2026-01-15T09:41:07.000Z" },
    },
  },
  addCrossAccountAccess: {
    aws: { summary: "For an account on AWS", request: { repoId, access: aws }, response: {} },
    gcp: { summary: "For a project on Google Cloud", request: { repoId: "my-app", access: gcp }, response: {} },
  },
  removeCrossAccountAccess: {
    aws: { summary: "From an account on AWS", request: { repoId, access: aws }, response: {} },
    unmanaged: {
      summary: "From an account on AWS that a statement of somebody else's lets in as well",
      request: { repoId, access: aws },
      response: {
        unmanaged: [byHand],
      },
    },
    leftOut: {
      summary: "From an account on AWS, while a region refuses another one",
      request: { repoId, access: aws },
      response: { leftOut: [{ principal: "210987654321", region: "af-south-1" }] },
    },
    gcp: { summary: "From a project on Google Cloud", request: { repoId: "my-app", access: gcp }, response: {} },
  },
  getCrossAccountAccess: {
    aws: {
      summary: "On AWS",
      request: { repoId },
      response: { access: aws, grants: [aws], scope: "repository", lastUpdated: "2026-01-15T09:41:07.000Z" },
    },
    unmanaged: {
      summary: "On AWS, where somebody else lets in somebody as well",
      request: { repoId },
      response: { access: aws, grants: [aws], scope: "repository", unmanaged: [byHand] },
    },
    gcp: {
      summary: "On Google Cloud, where grants are the registry's",
      request: { repoId: "my-app" },
      response: { access: gcp, grants: [gcp], scope: "registry" },
    },
  },
  setupRepository: {
    aws: { summary: "With access for an account", request: { name: "my-app", access: [aws] }, response: repository },
  },
  provisionRegistry: {
    ecr: {
      summary: "With replicas in two regions, and the images that they lack",
      request: { replicationRegions: ["us-west-2", "eu-west-1"], backfill: true },
      response: {
        binding: {
          service: "ecr",
          repositoryPrefix: "images",
          pullRoleArn: "arn:aws:iam::123456789012:role/images-pull",
          pushRoleArn: "arn:aws:iam::123456789012:role/images-push",
          replicationRegions: ["us-west-2", "eu-west-1"],
        },
        backfills: [
          { region: "eu-west-1", images: 0, sizeBytes: 0, state: "complete" },
          { region: "us-west-2", images: 42, sizeBytes: 9_876_543_210, state: "started" },
        ],
      },
    },
  },
  describeRegistry: {
    ecr: {
      summary: "On Amazon ECR",
      request: {},
      response: {
        service: "ecr",
        registryEndpoint: `https://${host}`,
        upstreamRepositoryPrefix: "images",
        capabilities: {
          credentials: {
            authMethod: "basic",
            scope: "repository",
            ttlSeconds: { min: 900, max: 43_200, default: 3_600 },
          },
          tellsAbsence: true,
          crossAccountAccess: "aws",
          crossAccountScope: "repository",
          paging: true,
          unsupported: {},
        },
        health: { status: "healthy", findings: [] },
      },
    },
  },
  deprovisionRegistry: { empty: { summary: "Refused while it holds repositories", request: {}, response: {} } },
};

/** The examples of an operation, by their names. @param side which half of each call */
export function examplesOf(name: OperationName, side: "request" | "response"): Record<string, Example> {
  const example = ([key, { summary, ...exchange }]: [string, Exchange]): [string, Example] => {
    const value = side === "request" ? { registry: "images", ...exchange.request } : exchange.response;
    return [key, { summary, value }];
  };
  return Object.fromEntries(Object.entries(exchanges[name]).map(example));
}

const requestId = "5f2b1c0e-7a55-4a0f-9c1d-3f0f4f6f2a10";

/** A refusal of each code, in words that callers meet. */
const refusals: Readonly<Record<ErrorCode, readonly [message: string, options: ErrorOptions]>> = {
  INVALID_INPUT: ['"ttlSeconds" must be a whole number of seconds.', { context: { field: "ttlSeconds" } }],
  BINDING_NOT_CONFIGURED: ['The registry "images" is not bound.', { hint: "Set ALIEN_IMAGES_BINDING." }],
  BINDING_CONFIG_INVALID: [
    "The binding names no role for pull credentials.",
    { hint: "Add pullRoleArn to the registry's binding, or run provisionRegistry." },
  ],
  AUTHENTICATION_ERROR: ["No bearer token was sent.", { hint: "Send Authorization: Bearer with a token." }],
  ACCESS_DENIED: [
    "No rule allows this caller to run deleteRepository.",
    { hint: "The operator of the function can add a rule to ALIEN_ACCESS_RULES." },
  ],
  RESOURCE_NOT_FOUND: ['There is no repository "images/my-app".', { hint: "Create it with createRepository." }],
  TIMEOUT: [
    "ECR CreateRepository did not answer in time.",
    { retryable: true, hint: "It may or may not have been applied. The same call again is safe." },
  ],
  RESOURCE_CONFLICT: [
    "The registry still holds 3 repositories.",
    { hint: "Delete them first, or pass deleteRepositories: true.", context: { repositories: 3 } },
  ],
  PAYLOAD_TOO_LARGE: ["The body is larger than 64 KiB.", { context: { limit: 65_536 } }],
  RATE_LIMIT_EXCEEDED: ["The platform throttles requests.", { retryable: true }],
  QUOTA_EXCEEDED: [
    "The repository policy would be larger than the platform allows.",
    { hint: "Remove access that is not needed.", context: { limit: 10_240, needed: 10_391 } },
  ],
  INTERNAL_ERROR: [
    "An unexpected error occurred.",
    { hint: "Report the request id to the operator of this function." },
  ],
  OPERATION_NOT_SUPPORTED: [
    "The local registry has no other accounts: cross-account access does not apply.",
    { hint: "Mint pull credentials for the consumer with generateCredentials.", context: { service: "local" } },
  ],
  UNEXPECTED_RESPONSE_FORMAT: ["The platform answered what it does not document.", { retryable: true }],
  CLOUD_PLATFORM_ERROR: ["The platform answered with status 500.", { retryable: true }],
  SERVICE_UNAVAILABLE: ["The registry is busy.", { retryable: true }],
};

/** The examples of one status. Status 405 alone has no code, because it is HTTP's own: the path does not know the method. */
export function errorExamples(status: number, codes: readonly ErrorCode[]): Record<string, Example> {
  if (codes.length === 0) {
    const error = new ArtifactRegistryError("INVALID_INPUT", "PUT is not allowed here.", { hint: "Use POST." });
    return { method: { value: { ...error.toWire(requestId), httpStatusCode: status } } };
  }
  const example = (code: ErrorCode): [string, Example] => {
    const [message, options] = refusals[code];
    return [code, { value: new ArtifactRegistryError(code, message, options).toWire(requestId) }];
  };
  return Object.fromEntries(codes.map(example));
}
