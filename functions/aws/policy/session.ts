import { invalidInput } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { Permissions } from "../../../core/schemas.ts";

const ecrPull = [
  "ecr:BatchCheckLayerAvailability",
  "ecr:GetDownloadUrlForLayer",
  "ecr:BatchGetImage",
  "ecr:DescribeRepositories",
  "ecr:DescribeImages",
  "ecr:ListImages",
];

// Anybody may pull from ECR Public: the service has no actions for it.
const ecrPublicPull = [
  "ecr-public:BatchCheckLayerAvailability",
  "ecr-public:DescribeRepositories",
  "ecr-public:DescribeImages",
  "ecr-public:DescribeImageTags",
];

const upload = ["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage"];

export type EcrService = "ecr" | "ecr-public";

/** What a role, and the session that bounds it, may do in a repository. Never `CreateRepository`. */
export const repositoryActions = {
  ecr: { pull: ecrPull, "push-pull": [...ecrPull, ...upload.map((action) => `ecr:${action}`)] },
  "ecr-public": {
    pull: ecrPublicPull,
    "push-pull": [...ecrPublicPull, ...upload.map((action) => `ecr-public:${action}`)],
  },
} as const satisfies Record<EcrService, Record<Permissions, readonly string[]>>;

/** What asking for a token needs. These actions know no resource but `*`. */
export const tokenActions = {
  ecr: ["ecr:GetAuthorizationToken"],
  "ecr-public": ["ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"],
} as const satisfies Record<EcrService, readonly string[]>;

export interface SessionScope {
  readonly partition: string;
  /** Account of the registry, 12 digits. */
  readonly account: string;
  readonly name: RoutableName;
  readonly permissions: Permissions;
}

/**
 * The inline policy that bounds a session to one repository and one permission level. It grants nothing by itself: a
 * session may do what both this and its role allow. `*` as region lets in the replicas, and keeps the text far below the
 * 2,048 characters of STS for every name.
 *
 * @throws INVALID_INPUT for a name that would mean more than itself in an ARN
 */
export function ecrSessionPolicy(scope: SessionScope): string {
  const { partition, account, name } = scope;
  return sessionPolicy("ecr", scope, `arn:${partition}:ecr:*:${account}:repository/${name}`);
}

/** The same for ECR Public, whose ARNs have no region. */
export function ecrPublicSessionPolicy(scope: SessionScope): string {
  const { partition, account, name } = scope;
  return sessionPolicy("ecr-public", scope, `arn:${partition}:ecr-public::${account}:repository/${name}`);
}

function sessionPolicy(service: EcrService, { name, permissions }: SessionScope, resource: string): string {
  // `*`, `?` and `${` are wildcards and variables in a policy. No legal name has them.
  if (!/^[a-z0-9._/-]+$/.test(name)) throw invalidInput(`"${name}" is not the name of a repository.`, "repoId");
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: tokenActions[service], Resource: "*" },
      { Effect: "Allow", Action: repositoryActions[service][permissions], Resource: resource },
    ],
  });
}
