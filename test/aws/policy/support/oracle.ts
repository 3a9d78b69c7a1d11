import { anonymousPrincipal, runSimulation } from "@cloud-copilot/iam-simulate";

export type Document = Readonly<Record<string, unknown>>;

export interface Question {
  /** ARN of a role, user, root or session; a service's name; `anonymous`. */
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  readonly context?: Readonly<Record<string, string>>;
  /** What the principal's own policies allow; by default everything, so that the other side decides. */
  readonly identityPolicy?: Document;
  readonly sessionPolicy?: Document;
  readonly resourcePolicy?: Document;
}

export const everything: Document = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
};

export const registryAccount = "999999999999";

/**
 * Whether IAM allows it, by an evaluator that is not ours. A question or a document that it cannot read is a failure of the
 * test, and so is a condition key that it leaves out: neither is a denial.
 */
export async function isAllowed(question: Question): Promise<boolean> {
  const { principal, action, resource, context = {}, identityPolicy = everything } = question;
  const isPerson = principal.startsWith("arn:");
  const result = await runSimulation(
    {
      request: {
        principal: principal === "anonymous" ? anonymousPrincipal : principal,
        action,
        resource: { resource, accountId: registryAccount },
        contextVariables: { ...context },
      },
      identityPolicies: isPerson ? [{ name: "identity", policy: identityPolicy }] : [],
      sessionPolicy: question.sessionPolicy,
      resourcePolicy: question.resourcePolicy,
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  );
  if (result.resultType === "error") {
    throw new Error(`The oracle cannot answer ${JSON.stringify(question)}: ${JSON.stringify(result.errors)}`);
  }
  const ignored = result.resultType === "single" ? (result.result.ignoredContextKeys ?? []) : [];
  if (ignored.length > 0) throw new Error(`The oracle ignored ${ignored.join(", ")} in ${JSON.stringify(question)}`);
  return result.overallResult === "Allowed";
}

export const parse = (text: string | undefined): Document => {
  if (text === undefined) throw new Error("There is no policy.");
  return JSON.parse(text);
};
