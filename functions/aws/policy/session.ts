import { type ArtifactRegistryError, invalidInput } from "../../../core/errors.ts";
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
  ecr: withPushes("ecr", ecrPull),
  "ecr-public": withPushes("ecr-public", ecrPublicPull),
} as const satisfies Record<EcrService, Record<Permissions | "push", readonly string[]>>;

function withPushes(service: EcrService, pull: readonly string[]) {
  const push = upload.map((action) => `${service}:${action}`);
  return { pull, push, "push-pull": [...pull, ...push] };
}

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
  /** Repositories from which the session may pull as well. */
  readonly alsoPull?: readonly RoutableName[] | undefined;
}

/** The home region stands beside it: what is pushed elsewhere is overwritten by replication, or never replicated. */
export type EcrSessionScope = SessionScope & { readonly region: string };

/** How many characters an inline session policy may have (STS, AssumeRole). */
const maxCharacters = 2_048;

/**
 * The inline policy that bounds a session to one repository and one permission level, and to pulls from some others. It
 * grants nothing by itself: a session may do what both this and its role allow. `*` as region lets in pulls from the replicas, and
 * keeps the text far below the 2,048 characters of STS for every name, and for ten more of common length.
 *
 * @throws INVALID_INPUT for a name that would mean more than itself in an ARN, and where the further repositories fill the
 *   policy
 */
export function ecrSessionPolicy(scope: EcrSessionScope): string {
  const { partition, region, account } = scope;
  const arnsIn = (place: string) => `arn:${partition}:ecr:${place}:${account}:repository/`;
  return sessionPolicy("ecr", scope, { pull: arnsIn("*"), push: arnsIn(region) });
}

/** The same for ECR Public, whose ARNs have no region. */
export function ecrPublicSessionPolicy(scope: SessionScope): string {
  const front = `arn:${scope.partition}:ecr-public::${scope.account}:repository/`;
  return sessionPolicy("ecr-public", scope, { pull: front, push: front });
}

function sessionPolicy(
  service: EcrService,
  { name, permissions, alsoPull = [] }: SessionScope,
  arnFronts: Readonly<Record<"pull" | "push", string>>,
): string {
  const allow = (kind: "pull" | "push", names: readonly string[]) => {
    const [first, ...more] = names.map((each) => arnFronts[kind] + each);
    const resource = more.length === 0 ? first : [first, ...more];
    return { Effect: "Allow", Action: repositoryActions[service][kind], Resource: resource };
  };
  // `*`, `?` and `${` are wildcards and variables in a policy. No legal name has them.
  for (const each of [name, ...alsoPull]) {
    if (/^[a-z0-9._/-]+$/.test(each)) continue;
    throw invalidInput(`"${each}" is not the name of a repository.`, each === name ? "repoId" : "alsoPull");
  }
  const text = JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: tokenActions[service], Resource: "*" },
      allow("pull", [name, ...alsoPull]),
      ...(permissions === "pull" ? [] : [allow("push", [name])]),
    ],
  });
  if (text.length <= maxCharacters) return text;
  throw tooManyRepositories(`they make a session policy of ${text.length} characters, and AWS takes ${maxCharacters}`);
}

/** @param why the limit that is exceeded, as the second half of a sentence */
export function tooManyRepositories(why: string): ArtifactRegistryError {
  return invalidInput(
    `The names in "alsoPull" are too many or too long: ${why}.`,
    "alsoPull",
    "Name fewer repositories, or mint credentials for the others by themselves.",
  );
}
