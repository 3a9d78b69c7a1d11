import type { RoutableName } from "../../../../core/names.ts";
import type { Permissions } from "../../../../core/schemas.ts";
import type { EcrService, EcrSessionScope, SessionScope } from "../../../../functions/aws/policy/session.ts";
import { regions } from "./access.ts";
import { type Document, type Question, registryAccount } from "./oracle.ts";
import type { Sheet } from "./sheet.ts";

const name = "images-app" as RoutableName;
const common = { partition: "aws", account: registryAccount, region: "us-east-1", name };
export const pullScope: EcrSessionScope = { ...common, permissions: "pull" };
export const pushScope: EcrSessionScope = { ...common, permissions: "push-pull" };
export const publicScope: SessionScope = { ...common, permissions: "push-pull" };

// Spelled out again: a list taken from the code would agree with every mistake in it.
const reading = {
  ecr: "BatchCheckLayerAvailability GetDownloadUrlForLayer BatchGetImage DescribeRepositories DescribeImages ListImages",
  "ecr-public": "BatchCheckLayerAvailability DescribeRepositories DescribeImages DescribeImageTags",
} as const;
const uploading = "InitiateLayerUpload UploadLayerPart CompleteLayerUpload PutImage";
const never = "CreateRepository DeleteRepository SetRepositoryPolicy GetRepositoryPolicy BatchDeleteImage TagResource";

const actions = (service: EcrService, names: string) => names.split(" ").map((action) => `${service}:${action}`);

const session = `arn:aws:sts::${registryAccount}:assumed-role/images-pull/aws-123`;

function sheet(
  service: EcrService,
  permissions: Permissions,
  asked: Pick<Question, "principal" | "identityPolicy" | "sessionPolicy">,
  inside: readonly string[],
  outside: readonly string[],
): Sheet[] {
  // Pushes go home alone.
  const may = (resource: string, action: string) => {
    const atHome = service === "ecr-public" || resource.includes(":us-east-1:");
    const named = permissions === "push-pull" && atHome ? `${reading[service]} ${uploading}` : reading[service];
    return actions(service, named).includes(action);
  };
  const all = actions(service, `${reading[service]} ${uploading} ${never}`);
  const token = [`${service}:GetAuthorizationToken`, ...(service === "ecr" ? [] : ["sts:GetServiceBearerToken"])];
  return [
    ...token.map((action) => ({ question: { ...asked, action, resource: "*" }, expected: true })),
    ...[...inside, ...outside].flatMap((resource) =>
      all.map((action) => ({
        question: { ...asked, action, resource },
        expected: inside.includes(resource) && may(resource, action),
      })),
    ),
  ];
}

export const repository = (inRegion: string, named: string, account = registryAccount, service: EcrService = "ecr") =>
  `arn:aws:${service}:${service === "ecr" ? inRegion : ""}:${account}:repository/${named}`;

const siblings = ["images", "images-app2", "images-ap", "images-app-2", "images-app/nested", "images-other", "other"];

/** What a session may do in all, where its role may do everything or, by default, where only the session policy bounds it. */
export function sessionSheet(
  service: EcrService,
  { permissions }: SessionScope,
  sessionPolicy: Document,
  identityPolicy?: Document,
): Sheet[] {
  const asked = { principal: session, sessionPolicy, ...(identityPolicy && { identityPolicy }) };
  const inside = regions.map((region) => repository(region, name, registryAccount, service));
  const outside = [
    ...siblings.map((sibling) => repository("us-east-1", sibling, registryAccount, service)),
    repository("us-east-1", name, "111111111111", service),
  ];
  return sheet(service, permissions, asked, [...new Set(inside)], outside);
}

/** What a role for the prefix `images` in our regions may do, before a session narrows it. */
export function roleSheet(permissions: Permissions, identityPolicy: Document): Sheet[] {
  const inside = regions.flatMap((region) => ["images", "images-app"].map((named) => repository(region, named)));
  const outside = [
    ...["image", "images2", "images2-app", "other-images-app"].flatMap((named) =>
      regions.map((region) => repository(region, named)),
    ),
    ...["images", "images-app"].flatMap((named) => [
      repository("sa-east-1", named),
      ...regions.map((region) => repository(region, named, "111111111111")),
    ]),
  ];
  return sheet("ecr", permissions, { principal: session, identityPolicy }, inside, outside);
}

const functions = [
  `arn:aws:iam::${registryAccount}:role/images-platform`,
  `arn:aws:iam::${registryAccount}:role/images-oidc`,
];
export const trustScope = { partition: "aws", account: registryAccount, functionRoleArns: functions };

/** Who may assume the pull role. */
export function trustSheet(resourcePolicy: Document): Sheet[] {
  const ask = (roleArn: string, expected: boolean, action = "sts:AssumeRole"): Sheet => ({
    question: {
      principal: roleArn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/").concat("/session"),
      action,
      resource: `arn:aws:iam::${registryAccount}:role/images-pull`,
      context: { "aws:PrincipalArn": roleArn },
      resourcePolicy,
    },
    expected,
  });
  const strangers = [
    `arn:aws:iam::${registryAccount}:role/somebody`,
    `arn:aws:iam::${registryAccount}:role/images-platform2`,
    "arn:aws:iam::111111111111:role/images-platform",
  ];
  const withoutKey = ask(`arn:aws:iam::${registryAccount}:role/somebody`, false);
  const { context: _context, ...question } = withoutKey.question;
  return [
    ...functions.flatMap((arn) => [ask(arn, true), ask(arn, false, "sts:TagSession")]),
    ...strangers.map((arn) => ask(arn, false)),
    { question, expected: false },
  ];
}
