import { ArtifactRegistryError, type ErrorCode } from "../../core/errors.ts";
import type { OperationName } from "../../core/operations.ts";
import type { Rule } from "../../core/rules.ts";
import type { AwsAccess, GcpAccess } from "../../core/schemas.ts";

export const awsAccess: AwsAccess = {
  type: "aws",
  accountIds: ["123456789012"],
  regions: ["us-east-1"],
  roleArns: ["arn:aws:iam::210987654321:role/puller"],
  allowedServiceTypes: ["worker"],
};

export const gcpAccess: GcpAccess = {
  type: "gcp",
  projectNumbers: ["123456789012"],
  serviceAccountEmails: ["worker@example.iam.gserviceaccount.com"],
  allowedServiceTypes: [],
};

/** The smallest good input of every operation. */
export const goodInputs: Readonly<Record<OperationName, Readonly<Record<string, unknown>>>> = {
  createRepository: { registry: "images", name: "my-app" },
  getRepository: { registry: "images", repoId: "images/my-app" },
  deleteRepository: { registry: "images", repoId: "images/my-app" },
  listRepositories: { registry: "images" },
  listImages: { registry: "images", repoId: "images/my-app" },
  deleteImage: { registry: "images", repoId: "images/my-app", reference: "1.0" },
  listGranteeAccess: { registry: "images", grantee: "aws:123456789012" },
  removeGranteeAccess: { registry: "images", grantee: "aws:123456789012" },
  generateCredentials: { registry: "images", repoId: "images/my-app", permissions: "pull" },
  revokeCredentials: { registry: "images" },
  addCrossAccountAccess: { registry: "images", repoId: "images/my-app", access: awsAccess },
  removeCrossAccountAccess: { registry: "images", repoId: "images/my-app", access: gcpAccess },
  getCrossAccountAccess: { registry: "images", repoId: "images/my-app" },
  setupRepository: { registry: "images", name: "my-app" },
  provisionRegistry: { registry: "images" },
  describeRegistry: { registry: "images" },
  deprovisionRegistry: { registry: "images" },
};

/** A rule that lets everybody of one issuer do everything, for tests about something else. */
export function allowAll(issuer: string): Rule {
  const any = ["*"];
  const everywhere = { operations: any, registries: any, repositories: any, grantees: any };
  return { callers: [{ issuer, subject: "*" }], ...everywhere, permissions: ["pull", "push-pull"] };
}

/** The error that `run` throws; fails the test when it throws none, or none of ours. */
export async function errorOf(run: () => unknown): Promise<ArtifactRegistryError> {
  try {
    await run();
  } catch (error) {
    if (error instanceof ArtifactRegistryError) return error;
    throw error;
  }
  throw new Error("Nothing was thrown.");
}

/** As `errorOf`, reduced to what tests compare most. */
export async function refusalOf(run: () => unknown): Promise<{ code: ErrorCode; field: unknown }> {
  const { code, context } = await errorOf(run);
  return { code, field: context?.field };
}
