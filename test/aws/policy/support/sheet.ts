import type { Model } from "./model.ts";
import { type Document, isAllowed, type Question, registryAccount } from "./oracle.ts";

/** Everybody and everything that a repository policy is asked about, in one partition. */
export interface World {
  readonly partition: string;
  readonly accounts: readonly string[];
  readonly regions: readonly string[];
  readonly roles: readonly string[];
}

export interface Sheet {
  readonly question: Question;
  readonly expected: boolean;
}

export const accountPull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
export const workerPull = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];

/** What no consumer may do: every kind of writing, and looking around. */
export const neverActions = [
  ..."SetRepositoryPolicy DeleteRepositoryPolicy GetRepositoryPolicy CreateRepository DeleteRepository".split(" "),
  ..."InitiateLayerUpload UploadLayerPart CompleteLayerUpload PutImage BatchDeleteImage ReplicateImage".split(" "),
  ..."PutLifecyclePolicy DeleteLifecyclePolicy PutImageTagMutability PutImageScanningConfiguration".split(" "),
  ..."TagResource UntagResource StartImageScan BatchImportUpstreamImage DescribeImages ListImages".split(" "),
  ..."DescribeRepositories DescribeImageScanFindings".split(" "),
].map((name) => `ecr:${name}`);

/**
 * All questions about one document, with the answers that the rules give.
 *
 * @param few asks for one forbidden action per principal instead of all
 */
export function sheetFor(model: Model, world: World, few = false): Sheet[] {
  const arn = (service: string, region: string, account: string, rest: string) =>
    `arn:${world.partition}:${service}:${region}:${account}:${rest}`;
  const resource = arn("ecr", world.regions[0] ?? "", registryAccount, "repository/images-app");
  const stranger = "777777777777";
  const never = few ? ["ecr:SetRepositoryPolicy"] : neverActions;

  const ask = (principal: string, may: readonly string[], context?: Record<string, string>): Sheet[] =>
    [...new Set([...accountPull, ...never])].map((action) => ({
      question: { principal, action, resource, ...(context && { context }) },
      expected: may.includes(action),
    }));
  const roleMay = (role: string) =>
    model.has(`role ${role}`) || model.has(`account ${role.split(":")[4]}`) ? accountPull : [];
  const workerMay = (account: string, region: string) =>
    model.has(`worker ${account} any`) || model.has(`worker ${account} ${region}`) ? workerPull : [];

  const people = [...world.accounts, stranger].flatMap((account) => [
    arn("iam", "", account, "role/anything"),
    arn("sts", "", account, "assumed-role/anything/session"),
    arn("iam", "", account, "user/somebody"),
  ]);
  const neighbours = world.roles.map((role) => `${role}2`);
  const functions = [...world.accounts, stranger].flatMap((account) =>
    [...world.regions, "sa-east-1"].flatMap((region) => [
      ...ask("lambda.amazonaws.com", workerMay(account, region), {
        "aws:SourceArn": arn("lambda", region, account, "function:app"),
      }),
      ...ask("lambda.amazonaws.com", workerMay(account, region), {
        "aws:SourceArn": arn("lambda", region, account, "function:app:7"),
      }),
    ]),
  );
  const others = world.accounts.flatMap((account) => [
    ...ask("ecs-tasks.amazonaws.com", [], {
      "aws:SourceArn": arn("lambda", world.regions[0] ?? "", account, "function:app"),
    }),
    ...ask("lambda.amazonaws.com", [], {
      "aws:SourceArn": arn("lambda", world.regions[0] ?? "", account, "layer:app"),
    }),
    ...ask("lambda.amazonaws.com", [], {
      "aws:SourceArn": arn("states", world.regions[0] ?? "", account, "function:app"),
    }),
  ]);
  return [
    ...[...people, ...world.roles, ...neighbours].flatMap((principal) => ask(principal, roleMay(principal))),
    ...functions,
    ...others,
    ...ask("lambda.amazonaws.com", []),
    ...ask("anonymous", []),
  ];
}

/** The questions that a document answers otherwise than the rules do. */
export async function wrongAnswers(sheet: readonly Sheet[], resourcePolicy: Document): Promise<string[]> {
  const wrong: string[] = [];
  for (const { question, expected } of sheet) {
    const allowed = await isAllowed({ ...question, resourcePolicy });
    if (allowed !== expected) wrong.push(`${expected ? "may not" : "may"}: ${JSON.stringify(question)}`);
  }
  return wrong;
}

/** Stops at the first: enough to tell that a document is not the right one. */
export async function anyWrongAnswer(sheet: readonly Sheet[], resourcePolicy: Document): Promise<boolean> {
  for (const { question, expected } of sheet) {
    if ((await isAllowed({ ...question, resourcePolicy })) !== expected) return true;
  }
  return false;
}
