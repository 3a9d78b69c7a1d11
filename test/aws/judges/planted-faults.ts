import type { Written } from "./policies.ts";
import { type PolicyKind, policyKinds } from "./policy-lint.ts";

/** A policy with one thing wrong in it. */
export interface Planted {
  readonly fault: string;
  readonly kind: PolicyKind;
  /** The name of the policy, and which of its statements. */
  readonly policy: string;
  readonly text: string;
}

type Statement = Record<string, unknown>;
type Fault = (statement: Statement, kind: PolicyKind) => Statement | undefined;

const many = (value: unknown): string[] => [value ?? []].flat().map(String);
const isResource = (kind: PolicyKind) => !("services" in policyKinds[kind]);
const condition = (operator: string, key: string, value: string | readonly string[]): Fault => {
  return (statement) => ({ ...statement, Condition: { ...conditionOf(statement), [operator]: { [key]: value } } });
};
const conditionOf = ({ Condition = {} }: Statement) => Condition as Record<string, Record<string, unknown>>;
/** Without a resource of its own, or with `*`, it is about whatever is asked. */
const arns = ({ Resource }: Statement) => many(Resource).filter((each) => each !== "*");
const onResources =
  (change: (arn: string) => string): Fault =>
  (statement) =>
    arns(statement).length > 0 ? { ...statement, Resource: arns(statement).map(change) } : undefined;
const part = (arn: string, index: number, value: string) => arn.split(":").with(index, value).join(":");

/** Changes the operator of each condition that has it. */
const operator =
  (from: RegExp, to: string): Fault =>
  (statement) => {
    const found = Object.entries(conditionOf(statement)).find(([name]) => from.test(name));
    if (found === undefined) return undefined;
    const { [found[0]]: keys, ...others } = conditionOf(statement);
    return { ...statement, Condition: { ...others, [to]: keys } };
  };

/** What can be wrong with a statement, each on every statement that it can be wrong with. */
const faults: Readonly<Record<string, Fault>> = {
  "an action is misspelt": (statement) => ({
    ...statement,
    Action: many(statement.Action).map((each) => each.replace(/:(.)/, ":$1x")),
  }),
  "one action of several is misspelt": (statement) => {
    const [first = "", ...more] = many(statement.Action);
    return more.length === 0 ? undefined : { ...statement, Action: [...more, `${first}s`] };
  },
  "an action is of a service that there is not": (statement) => ({
    ...statement,
    Action: many(statement.Action).map((each) => each.replace(/^[a-z-]+/, "ecrx")),
  }),
  "an action is of another service": (statement) => ({
    ...statement,
    Action: [...many(statement.Action), "s3:GetObject"],
  }),
  "the type of a resource is misspelt": (statement, kind) =>
    // A queue's ARN has no type.
    arns(statement).some((each) => each.includes(":sqs:"))
      ? undefined
      : onResources((each) => part(each, 5, each.split(":")[5]?.replace(/^[a-z-]*/, "thing") ?? ""))(statement, kind),
  "a resource is of another service": onResources((each) => part(each, 2, "ec2")),
  "a resource has no account": onResources((each) => part(each, 4, "")),
  "a resource of a region has none, or has one where there is none": onResources((each) =>
    part(each, 3, each.split(":")[3] === "" ? "us-east-1" : ""),
  ),
  "everything is the resource": (statement) =>
    arns(statement).length > 0 && statement.Effect === "Allow" ? { ...statement, Resource: "*" } : undefined,
  "an action knows no such resource": (statement) =>
    many(statement.Resource).includes("*")
      ? { ...statement, Resource: "arn:aws:ecr:us-east-1:111122223333:repository/images" }
      : undefined,
  "an action of a registry is allowed on a repository": (statement, kind) =>
    kind === "repository"
      ? { ...statement, Action: [...many(statement.Action), "ecr:GetAuthorizationToken"] }
      : undefined,
  "a key of another service": condition("StringEquals", "s3:prefix", "a"),
  "a key that there is not": condition("StringEquals", "aws:RequestTags/a", "a"),
  "a key of no service": condition("StringEquals", "prefix", "a"),
  "a tag is asked for that the action does not bring": (statement) =>
    // The reference has it for ListTagsForResource, too.
    /:(?:Create|Tag|ListTags|AssumeRole$)|^sqs:\*/.test(many(statement.Action).join()) || isAnything(statement)
      ? undefined
      : condition("StringEquals", "aws:RequestTag/team", "a")(statement, "inline"),
  "the tags' keys without a quantifier": condition("StringEquals", "aws:TagKeys", ["a"]),
  "a quantifier over one value": condition("ForAnyValue:StringEquals", "aws:PrincipalAccount", ["a"]),
  "a text is compared as a number": condition("NumericEquals", "aws:PrincipalAccount", "1"),
  "a truth is compared as a text": condition("StringEquals", "aws:SecureTransport", "true"),
  "a truth that is none": condition("Bool", "aws:SecureTransport", "yes"),
  "an address is compared as an ARN": condition("ArnLike", "aws:SourceIp", "arn:aws:iam::111122223333:root"),
  "an ARN that is none": condition("ArnEquals", "aws:PrincipalArn", "images-pull"),
  "a wildcard in what is compared as it stands": condition("StringEquals", "aws:PrincipalOrgID", "o-*"),
  "an operator that there is not": condition("StringMatches", "aws:PrincipalAccount", "a"),
  "a list of values becomes an operator of truth": operator(/^(?:String|Arn)/, "Bool"),
  "a truth becomes a text": operator(/^Bool/, "StringEquals"),
  "the service is asked for where none asks": (statement, kind) => {
    const isService = Object.keys(Object(statement.Principal)).join() === "Service";
    if (isService)
      return {
        ...statement,
        Principal: { AWS: "111122223333" },
        Condition: { ArnLike: { "aws:SourceArn": "arn:aws:lambda:*:111122223333:function:*" } },
      };
    return condition("StringEquals", "aws:SourceAccount", "111122223333")(statement, kind);
  },
  "the effect is misspelt": (statement) => ({ ...statement, Effect: "Allowed" }),
  "there is no action": ({ Action: _, ...statement }) => statement,
  "there is no resource": ({ Resource: _, ...statement }, kind) => (isResource(kind) ? statement : undefined),
  "somebody is let in who is in the role already": (statement, kind) =>
    isResource(kind) ? { ...statement, Principal: "*" } : undefined,
  "nobody is let in": ({ Principal: _, ...statement }, kind) => (isResource(kind) ? undefined : statement),
  "an element is misspelt": (statement) => ({ ...statement, Conditions: {} }),
  "the Sid has a dash": (statement, kind) => (policyKinds[kind].ofIam ? { ...statement, Sid: "a-b" } : undefined),
};

function isAnything({ Action: action }: Statement): boolean {
  return many(action).some((each) => each.includes("*"));
}

/** Everything that can be wrong with each statement of a policy, one at a time, and the policy as too long a text. */
export function plantedIn({ name, kind, texts: [text = ""] }: Written): Planted[] {
  const { Statement: statements, ...document } = JSON.parse(text) as { readonly Statement: readonly Statement[] };
  const planted = statements.flatMap((statement, index) =>
    Object.entries(faults).flatMap(([fault, plant]): Planted[] => {
      const wrong = plant(statement, kind);
      if (wrong === undefined) return [];
      return [
        {
          fault,
          kind,
          policy: `${name}, ${index + 1}`,
          text: JSON.stringify({ ...document, Statement: statements.with(index, wrong) }),
        },
      ];
    }),
  );
  const [first] = statements;
  const filler = Array.from({ length: policyKinds[kind].characters }, () => "a").join("");
  const long = { ...document, Statement: statements.with(0, { ...first, Sid: filler }) };
  const twice = { ...document, Statement: [...statements, ...statements].map((each) => ({ ...each, Sid: "Twice" })) };
  if (policyKinds[kind].ofIam) {
    planted.push({ fault: "two statements have one Sid", kind, policy: name, text: JSON.stringify(twice) });
  }
  return [...planted, { fault: "it is too long", kind, policy: name, text: JSON.stringify(long) }];
}
