import { policiesInForce } from "./account.ts";
import type { Directory } from "./directory.ts";
import type { PolicyDocument } from "./documents.ts";
import { evaluate, type Question, type Subject, type Verdict } from "./oracle.ts";
import type { Principal } from "./principal.ts";

/** What a handler asks; what is known of every call is added. */
export interface Ask {
  readonly action: string;
  readonly resource: string;
  readonly resourceAccount: string;
  readonly region: string;
  readonly context?: Readonly<Record<string, string | string[] | undefined>>;
  readonly resourcePolicy?: PolicyDocument | undefined;
}

/** One evaluation, so that a test can ask the oracle again under other policies. */
export interface Authorization extends Question {
  readonly verdict: Verdict;
}

export async function authorize(directory: Directory, principal: Principal, ask: Ask): Promise<Authorization> {
  const question = questionOf(principal, ask);
  const subject = subjectOf(directory, principal);
  const deleted = principal.type !== "Service" && (principal.identity === undefined || principal.identity.deleted);
  // A service acts for a resource of an account, and has none to act for where that account is not.
  const gone = deleted || directory.standing.isAbsent(principal.account, ask.region);
  return { ...question, verdict: gone ? "ImplicitlyDenied" : await evaluate(subject, question) };
}

function subjectOf(directory: Directory, { arn, identity, sessionPolicy }: Principal): Subject {
  if (identity === undefined) return { arn, identityPolicies: [] };
  const attached = [...identity.attached].flatMap((policy) => directory.managedPolicy(policy) ?? []);
  const { boundary } = identity;
  // A boundary that is gone allows nothing.
  const limit = boundary === undefined ? undefined : (directory.managedPolicy(boundary) ?? DENY_ALL);
  return {
    arn,
    identityPolicies: [...policiesInForce(identity, directory.now()), ...attached],
    sessionPolicy,
    boundary: limit,
  };
}

const DENY_ALL = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Deny", Action: "*", Resource: "*" }],
});

function questionOf(principal: Principal, ask: Ask): Question {
  const { identity } = principal;
  const tags = [...(identity?.tags ?? [])].map(([key, value]) => [`aws:PrincipalTag/${key}`, value] as const);
  const context: Record<string, string | string[] | undefined> = {
    "aws:PrincipalArn": principal.principalArn,
    "aws:PrincipalAccount": principal.account,
    "aws:PrincipalType": principal.type,
    "aws:userid": principal.userId,
    "aws:username": identity?.kind === "user" ? identity.name : undefined,
    "aws:PrincipalIsAWSService": String(principal.type === "Service"),
    "aws:PrincipalServiceName": principal.type === "Service" ? principal.arn : undefined,
    "aws:SourceArn": principal.sourceArn,
    "aws:SourceAccount": principal.sourceArn === undefined ? undefined : principal.account,
    "aws:RequestedRegion": ask.region,
    "aws:ResourceAccount": ask.resourceAccount,
    "aws:SecureTransport": "true",
    "aws:ViaAWSService": "false",
    "aws:SourceIp": "127.0.0.1",
    ...Object.fromEntries(tags),
    ...ask.context,
  };
  return {
    action: ask.action,
    resource: ask.resource,
    resourceAccount: ask.resourceAccount,
    context: Object.fromEntries(
      Object.entries(context).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
    ),
    ...(ask.resourcePolicy === undefined ? {} : { resourcePolicy: ask.resourcePolicy }),
  };
}

/** The condition keys for what a request tags with. */
export function requestTagKeys(tags: ReadonlyMap<string, string>): Record<string, string | string[]> {
  if (tags.size === 0) return {};
  return {
    ...Object.fromEntries([...tags].map(([key, value]) => [`aws:RequestTag/${key}`, value])),
    "aws:TagKeys": [...tags.keys()],
  };
}

/** The condition keys for what a resource is tagged with, under the global name and the service's own. */
export function resourceTagKeys(
  service: "ecr" | "ecr-public" | "iam",
  tags: ReadonlyMap<string, string>,
): Record<string, string> {
  return Object.fromEntries(
    [...tags].flatMap(([key, value]) => [
      [`aws:ResourceTag/${key}`, value],
      [`${service}:ResourceTag/${key}`, value],
    ]),
  );
}
