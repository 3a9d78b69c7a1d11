import {
  anywhere,
  type ExecutionScope,
  insideHome,
  mintingRoles,
  ownHome,
  replicas,
  repository,
  tagged,
} from "./execution-scope.ts";

export type { ExecutionScope };

export type ExecutionDoor = "platform" | "oidc" | "invoke" | "events" | "provision";

/** One statement of an execution role. Actions and resources are always lists. */
export interface ExecutionStatement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

/** Concerns of private ECR by door. What Lambda itself needs, for logs and its queue, is not among them. */
const concernsOf = {
  platform: [
    "repositories",
    "lifecycle",
    "encryption",
    "release",
    "deletions",
    "grants",
    "derived",
    "leases",
    "sessions",
  ],
  oidc: ["repositories", "lifecycle", "encryption", "release", "deletions", "grants", "derived", "leases", "sessions"],
  invoke: [
    "repositories",
    "lifecycle",
    "encryption",
    "release",
    "deletions",
    "grants",
    "derived",
    "leases",
    "sessions",
  ],
  events: ["repositories", "lifecycle", "encryption", "grants", "derived", "leases", "deadLetters"],
  provision: ["registry", "roles", "encryption", "release", "leases"],
} as const satisfies Record<ExecutionDoor, readonly Concern[]>;

type Concern = keyof typeof concerns;

/**
 * Exactly what the code behind a door calls. The tests replay every call under it, and see that nothing in it is
 * superfluous; infra/aws is compared with it.
 */
export function executionStatements(door: ExecutionDoor, scope: ExecutionScope): ExecutionStatement[] {
  return concernsOf[door]
    .flatMap((concern) => concerns[concern](scope))
    .filter(({ Resource }) => Resource.length > 0)
    .map((statement) => ({ ...statement, Effect: "Allow" }));
}

/** The same as a document. */
export function executionPolicy(door: ExecutionDoor, scope: ExecutionScope): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: executionStatements(door, scope) });
}

type Draft = Omit<ExecutionStatement, "Effect">;

const concerns = {
  repositories: (scope: ExecutionScope): Draft[] => [
    {
      Sid: "Create",
      Action: ["ecr:CreateRepository", "ecr:TagResource"],
      Resource: insideHome(scope),
      Condition: tagged("Request", scope),
    },
    { Sid: "Describe", Action: ["ecr:DescribeRepositories"], Resource: [...ownHome(scope), ...insideHome(scope)] },
  ],
  lifecycle: (scope) => [
    {
      Sid: "KeepLast",
      Action: ["ecr:GetLifecyclePolicy", "ecr:PutLifecyclePolicy"],
      // What is derived has no defaults.
      Resource: scope.keepsLast ? insideHome({ ...scope, derived: undefined }) : [],
    },
  ],
  encryption: ({ keyArns }) => [
    {
      Sid: "EncryptNewRepositories",
      Action: ["kms:CreateGrant", "kms:DescribeKey"],
      Resource: keyArns,
      Condition: viaEcr,
    },
  ],
  release: ({ keyArns }) => [
    {
      Sid: "ReleaseKeysOfDeletedRepositories",
      Action: ["kms:RetireGrant"],
      Resource: keyArns,
      Condition: viaEcr,
    },
  ],
  deletions: (scope) => [
    {
      Sid: "DeleteAtHomeAndAtReplicas",
      Action: ["ecr:DeleteRepository"],
      Resource: [...insideHome(scope), ...replicas(scope, ["-*"])],
    },
  ],
  grants: (scope) => [
    {
      Sid: "EditAccessAtHomeAndAtReplicas",
      Action: ["ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy", "ecr:DeleteRepositoryPolicy"],
      Resource: [...ownHome(scope), ...insideHome(scope), ...replicas(scope, ["", "-*"])],
    },
  ],
  derived: (scope) => [
    {
      Sid: "KnowOwnRepositories",
      Action: ["ecr:ListTagsForResource"],
      Resource: scope.derived ? [repository(scope, scope.region, `${scope.derived.stackPrefix}-*`)] : [],
    },
  ],
  leases: ({ leaseTableArn }) => [
    { Sid: "HoldLeases", Action: ["dynamodb:GetItem", "dynamodb:UpdateItem"], Resource: [leaseTableArn] },
  ],
  sessions: (scope) => [{ Sid: "Mint", Action: ["sts:AssumeRole"], Resource: mintingRoles(scope) }],
  deadLetters: ({ deadLetterQueueArn }) => [
    { Sid: "SendDeadLetters", Action: ["sqs:SendMessage"], Resource: [deadLetterQueueArn] },
  ],
  registry: (scope) => [
    {
      Sid: "ReplicationRules",
      Action: ["ecr:DescribeRegistry", "ecr:PutReplicationConfiguration"],
      Resource: ["*"],
    },
    {
      Sid: "ReplicationRole",
      Action: ["iam:CreateServiceLinkedRole"],
      Resource: [
        `arn:${scope.partition}:iam::${scope.account}:role/aws-service-role/replication.ecr.amazonaws.com/AWSServiceRoleForECRReplication`,
      ],
      Condition: { StringEquals: { "iam:AWSServiceName": ["replication.ecr.amazonaws.com"] } },
    },
    {
      // Whether others overlap with it is seen by their names and tags alone, wherever they are.
      Sid: "LookForOverlaps",
      Action: ["ecr:DescribeRepositories", "ecr:ListTagsForResource"],
      Resource: [repository(scope, "*", "*")],
    },
    {
      Sid: "CreateOwnRepository",
      Action: ["ecr:CreateRepository", "ecr:TagResource"],
      Resource: ownHome(scope),
      Condition: tagged("Request", scope),
    },
    {
      // Never one that is not ours: its tag would make it so.
      Sid: "RememberRegions",
      Action: ["ecr:TagResource"],
      Resource: ownHome(scope),
      Condition: tagged("Resource", scope),
    },
    { Sid: "LookForImages", Action: ["ecr:ListImages"], Resource: ownHome(scope) },
    {
      // Any region may have been one of the registry's.
      Sid: "ClearAnyRegion",
      Action: [
        "ecr:GetRepositoryPolicy",
        "ecr:SetRepositoryPolicy",
        "ecr:DeleteRepositoryPolicy",
        "ecr:DeleteRepository",
      ],
      Resource: anywhere(scope),
    },
  ],
  roles: (scope) => {
    const Resource = mintingRoles(scope);
    const bounded = { StringEquals: { "iam:PermissionsBoundary": [scope.boundaryArn] } };
    return [
      { Sid: "Read", Action: ["iam:GetRole", "iam:GetRolePolicy", "iam:ListRolePolicies"], Resource },
      {
        Sid: "CreateWithinBoundary",
        Action: ["iam:CreateRole"],
        Resource,
        Condition: { ...bounded, ...tagged("Request", scope) },
      },
      { Sid: "TagAsOurs", Action: ["iam:TagRole"], Resource, Condition: tagged("Request", scope) },
      {
        Sid: "ChangeWithinBoundary",
        Action: ["iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"],
        Resource,
        Condition: { ...bounded, ...tagged("Resource", scope) },
      },
      {
        Sid: "ChangeOurs",
        Action: ["iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:DeleteRolePolicy", "iam:DeleteRole"],
        Resource,
        Condition: tagged("Resource", scope),
      },
    ];
  },
} as const satisfies Record<string, (scope: ExecutionScope) => Draft[]>;

const viaEcr = { StringLike: { "kms:ViaService": ["ecr.*"] } };
