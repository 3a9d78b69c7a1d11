import type { AwsAccess, Unmanaged } from "../../../core/schemas.ts";
import { isJsonObject, isUniqueId, type JsonObject, type Statement, sidOf, texts } from "./document.ts";
import type { Policy } from "./read.ts";

/**
 * The actions that let somebody get at an image: each half of a pull, and writing the policy, since whoever may do that lets in
 * whom he likes.
 */
const openings = ["ecr:batchgetimage", "ecr:getdownloadurlforlayer", "ecr:setrepositorypolicy"];

/** A foreign statement that lets somebody in. */
interface Opening {
  readonly entry: Unmanaged;
  readonly principals: readonly Principal[];
  readonly condition: JsonObject;
}

interface Principal {
  /** As `AWS` or `Service`. */
  readonly type: string;
  readonly name: string;
}

/** The foreign statements of a policy that let somebody pull. What cannot be read is listed rather than left out. */
export function unmanagedIn(policy: Policy): Unmanaged[] {
  return openingsIn(policy).map(({ entry }) => entry);
}

/** Those that still let in one of the accounts and roles that `access` names, or everybody. In doubt it is listed. */
export function stillLetIn(
  policy: Policy,
  { accountIds, roleArns }: Pick<AwsAccess, "accountIds" | "roleArns">,
): Unmanaged[] {
  const concerns = (opening: Opening) =>
    opening.entry.unreadable ||
    accountIds.some((accountId) => letsInAccount(opening, accountId)) ||
    roleArns.some((roleArn) => letsInRole(opening, roleArn));
  return openingsIn(policy)
    .filter(concerns)
    .map(({ entry }) => entry);
}

function openingsIn({ document, foreign }: Policy): Opening[] {
  return foreign.flatMap((statement) => {
    const place = (document?.statements.indexOf(statement) ?? 0) + 1;
    return readOpening(statement, sidOf(statement) ?? `statement ${place}`) ?? [];
  });
}

/** @returns undefined for a statement that lets nobody get at an image */
function readOpening(statement: Statement, name: string): Opening | undefined {
  const { Sid: _, Effect, Principal, NotPrincipal, Action, NotAction, Resource, Condition, ...more } = statement;
  if (Effect === "Deny") return undefined;
  const actions = NotAction === undefined ? texts(Action) : ["*"];
  if (!allowsOpening(texts(Action), NotAction)) return undefined;
  const principals = NotPrincipal === undefined ? principalsOf(Principal) : [everybody];
  const living = principals?.filter(({ name }) => !isUniqueId(name));
  if (principals && principals.length > 0 && living?.length === 0) return undefined;
  const isPlain =
    Effect === "Allow" &&
    [NotPrincipal, NotAction].every((element) => element === undefined) &&
    [undefined, "*"].includes(Resource as undefined) &&
    (Condition === undefined || isJsonObject(Condition)) &&
    Object.keys(more).length === 0;
  const condition = isJsonObject(Condition) ? Condition : {};
  return {
    principals: living ?? [],
    condition,
    entry: {
      statement: name,
      principals: living?.map(({ name }) => name) ?? [],
      actions: [...(actions ?? [])],
      conditional: Condition !== undefined && (!isJsonObject(Condition) || Object.keys(Condition).length > 0),
      ...(!(isPlain && actions && living) && { unreadable: true }),
    },
  };
}

/** Whether any opening is among the actions, or not among those of `NotAction`. What cannot be read may be anything. */
function allowsOpening(actions: readonly string[] | undefined, notAction: unknown): boolean {
  const named = (patterns: readonly string[]) => (action: string) =>
    patterns.some((pattern) => fits(pattern.toLowerCase(), action));
  if (notAction === undefined) return actions === undefined || openings.some(named(actions));
  return !openings.every(named(texts(notAction) ?? []));
}

/** Whether a pattern of IAM covers the text: `*` stands for any characters, `?` for one. */
function fits(pattern: string, text: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s").test(text);
}

const everybody: Principal = { type: "AWS", name: "*" };

/** @returns undefined for what is no list of principals */
function principalsOf(principal: unknown): Principal[] | undefined {
  if (principal === "*") return [everybody];
  if (!isJsonObject(principal)) return undefined;
  const read = Object.entries(principal).map(([type, names]) => texts(names)?.map((name) => ({ type, name })));
  const known = read.filter((names) => names !== undefined);
  return known.length === read.length && known.length > 0 ? known.flat() : undefined;
}

function letsInAccount({ principals, condition }: Opening, accountId: string): boolean {
  if (isForOthers(condition, accountId)) return false;
  return principals.some(({ type, name }) => {
    if (name === "*" || type === "Service" || type === "CanonicalUser") return true;
    return accountOf(name) === accountId;
  });
}

function letsInRole({ principals, condition }: Opening, roleArn: string): boolean {
  const [, partition, , , accountId = "", path = ""] = roleArn.split(":");
  const sessions = `arn:${partition}:sts::${accountId}:assumed-role/${path.split("/").at(-1)}/`;
  if (isForOthers(condition, accountId)) return false;
  return principals.some(({ type, name }) => {
    if (type === "CanonicalUser") return true;
    if (type !== "AWS") return false;
    return (
      [everybody.name, accountId, `arn:${partition}:iam::${accountId}:root`, roleArn].includes(name) ||
      name.startsWith(sessions)
    );
  });
}

/** The account in a principal's name: an account id, or an ARN. */
function accountOf(name: string): string | undefined {
  return /^\d{12}$/.test(name) ? name : name.split(":")[4];
}

const positiveOperators: ReadonlySet<string> = new Set(["stringequals", "stringlike", "arnequals", "arnlike"]);
const accountKeys: ReadonlySet<string> = new Set([
  "aws:sourcearn",
  "aws:sourceaccount",
  "aws:principalarn",
  "aws:principalaccount",
]);

/** Whether a part of the condition holds only for accounts that it spells out, and this one is not among them. */
function isForOthers(condition: JsonObject, accountId: string): boolean {
  const isOther = (value: string) => {
    const account = accountOf(value) ?? "";
    return /^\d{12}$/.test(account) && account !== accountId;
  };
  return Object.entries(condition).some(
    ([operator, keys]) =>
      positiveOperators.has(operator.toLowerCase()) &&
      isJsonObject(keys) &&
      Object.entries(keys).some(([key, values]) => accountKeys.has(key.toLowerCase()) && texts(values)?.every(isOther)),
  );
}
