import type { OperationName } from "../operations.ts";
import type { AwsAccess, GcpAccess } from "../schemas.ts";

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
  serviceAccountEmails: ["sa@project.iam.gserviceaccount.com"],
  allowedServiceTypes: ["worker"],
};
const host = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
const repoId = "images-my-app";
const repository = { name: repoId, uri: `${host}/${repoId}`, createdAt: "2026-01-15T09:30:00.000Z" };
const minted = { expiresAt: "2026-01-15T10:30:00.000Z", scope: "repository" };

const exchanges: Readonly<Record<OperationName, Readonly<Record<string, Exchange>>>> = {
  createRepository: { ecr: { summary: "On Amazon ECR", request: { name: "my-app" }, response: repository } },
  getRepository: { ecr: { summary: "On Amazon ECR", request: { repoId }, response: repository } },
  deleteRepository: { ecr: { summary: "On Amazon ECR", request: { repoId }, response: {} } },
  generateCredentials: {
    ecr: {
      summary: "To push, for an hour, on Amazon ECR",
      request: { repoId, permissions: "push-pull", ttlSeconds: 3_600 },
      response: { authMethod: "basic", username: "AWS", password: "(a secret)", ...minted },
    },
    acr: {
      summary: "To pull, for as long as Azure Container Registry likes",
      request: { repoId: "my-app", permissions: "pull" },
      response: { authMethod: "bearer", username: "", password: "(a secret)", ...minted },
    },
  },
  addCrossAccountAccess: {
    aws: { summary: "For an account on AWS", request: { repoId, access: aws }, response: {} },
    gcp: { summary: "For a project on Google Cloud", request: { repoId: "my-app", access: gcp }, response: {} },
  },
  removeCrossAccountAccess: {
    aws: { summary: "From an account on AWS", request: { repoId, access: aws }, response: {} },
    gcp: { summary: "From a project on Google Cloud", request: { repoId: "my-app", access: gcp }, response: {} },
  },
  getCrossAccountAccess: {
    aws: { summary: "On AWS", request: { repoId }, response: { access: aws, grants: [aws], scope: "repository" } },
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
      summary: "With replicas in two regions",
      request: { replicationRegions: ["us-west-2", "eu-west-1"] },
      response: {
        binding: {
          service: "ecr",
          repositoryPrefix: "images",
          pullRoleArn: "arn:aws:iam::123456789012:role/images-pull",
          pushRoleArn: "arn:aws:iam::123456789012:role/images-push",
          replicationRegions: ["us-west-2", "eu-west-1"],
        },
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
          unsupported: {},
        },
        health: { status: "healthy", findings: [] },
      },
    },
  },
  deprovisionRegistry: { empty: { summary: "Refused while it holds repositories", request: {}, response: {} } },
};

/** @param side which half of each call */
export function examplesOf(name: OperationName, side: "request" | "response"): Record<string, Example> {
  const example = ([key, { summary, ...exchange }]: [string, Exchange]): [string, Example] => {
    const value = side === "request" ? { registry: "images", ...exchange.request } : exchange.response;
    return [key, { summary, value }];
  };
  return Object.fromEntries(Object.entries(exchanges[name]).map(example));
}
