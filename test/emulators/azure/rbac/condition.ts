import { AzureError } from "../errors.ts";
import { matches } from "./roles.ts";

/** What a condition looks at. */
export interface Asked {
  readonly action: string;
  /** The repository that is asked for; absent where it is about the whole registry. */
  readonly repository?: string | undefined;
  /** The role assignment that is asked for, or that is there already. */
  readonly assignment?: AskedAssignment | undefined;
}

export interface AskedAssignment {
  /** Whether a request brings it, or it is the resource. */
  readonly source: "Request" | "Resource";
  /** The id of the role's definition, a GUID. */
  readonly roleId: string;
  readonly principalId: string;
}

type Condition = (asked: Asked) => boolean;

const REPOSITORY = "Microsoft.ContainerRegistry/registries/repositories:name";
const ASSIGNMENT = /^@(Request|Resource)\[Microsoft\.Authorization\/roleAssignments:(RoleDefinitionId|PrincipalId)\]$/;
const TOKEN = /\s*(ActionMatches\{'[^']*'\}|@\w+\[[^\]]*\]|'[^']*'|\{[^{}']*\}|[A-Za-z:]+|[()!])/y;

const OPERATORS: Readonly<Record<string, (name: string, value: string) => boolean>> = {
  StringEquals: (name, value) => name === value,
  StringNotEquals: (name, value) => name !== value,
  StringEqualsIgnoreCase: (name, value) => name.toLowerCase() === value.toLowerCase(),
  StringNotEqualsIgnoreCase: (name, value) => name.toLowerCase() !== value.toLowerCase(),
  StringStartsWith: (name, value) => name.startsWith(value),
  StringStartsWithIgnoreCase: (name, value) => name.toLowerCase().startsWith(value.toLowerCase()),
};

/**
 * The condition of a role assignment (version 2.0), as far as it is about repository names, or about which roles may be
 * assigned to whom. What is not there equals nothing.
 * @throws AzureError InvalidCondition for what cannot be read
 * @see https://learn.microsoft.com/azure/role-based-access-control/conditions-format
 */
export function parseCondition(text: string): Condition {
  const tokens = tokensOf(text);
  let at = 0;
  const next = () => tokens[at++] ?? fail(text);
  const take = (word: string) => {
    if (tokens[at] !== word) return false;
    at++;
    return true;
  };
  const either = (): Condition => {
    const parts = [both()];
    while (take("OR")) parts.push(both());
    return (asked) => parts.some((part) => part(asked));
  };
  const both = (): Condition => {
    const parts = [one()];
    while (take("AND")) parts.push(one());
    return (asked) => parts.every((part) => part(asked));
  };
  const one = (): Condition => {
    if (take("!")) {
      const inner = one();
      return (asked) => !inner(asked);
    }
    if (take("(")) {
      const inner = either();
      if (!take(")")) fail(text);
      return inner;
    }
    const token = next();
    const [, action] = /^ActionMatches\{'(.*)'\}$/.exec(token) ?? [];
    if (action !== undefined) return (asked) => matches([action], asked.action);
    const [, source, attribute] = ASSIGNMENT.exec(token) ?? [];
    if (source !== undefined) {
      if (!take("ForAnyOfAnyValues:GuidEquals")) fail(text);
      const [, list = fail(text)] = /^\{(.+)\}$/.exec(next()) ?? [];
      const ids = list.split(",").map((id) => id.trim().toLowerCase());
      const key = attribute === "PrincipalId" ? "principalId" : "roleId";
      return ({ assignment }) => assignment?.source === source && ids.includes(assignment[key].toLowerCase());
    }
    if (token !== `@Request[${REPOSITORY}]`) return fail(text);
    const operator = OPERATORS[next()] ?? fail(text);
    const [, value = fail(text)] = /^'(.*)'$/.exec(next()) ?? [];
    return ({ repository }) => repository !== undefined && operator(repository, value);
  };
  const condition = either();
  return at === tokens.length ? condition : fail(text);
}

function tokensOf(text: string): readonly string[] {
  const tokens: string[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  for (let at = 0; at < end; at = TOKEN.lastIndex) {
    const [, token] = TOKEN.exec(text) ?? fail(text);
    tokens.push(token ?? fail(text));
  }
  return tokens;
}

function fail(text: string): never {
  throw new AzureError(400, "InvalidConditionOrConditionVersion", `The condition cannot be read: ${text}`);
}
