import type { Caller } from "../../../core/caller.ts";

/**
 * The caller that IAM authenticated, from its ARN. The sessions of a role are the role: issuer `aws`, subject
 * `{account}:role/{name}` (an assumed role's ARN leaves the role's path out), `{account}:user/{path and name}`, or
 * `{account}:root`.
 *
 * @returns undefined for an ARN that names none of these
 */
export function platformCaller(arn: string | null | undefined): Caller | undefined {
  const parts = /^arn:aws[a-z-]*:(?:iam|sts)::(\d{12}):(.+)$/.exec(arn ?? "");
  const [, account = "", resource = ""] = parts ?? [];
  const session = /^assumed-role\/([\w+=,.@-]+)\/[\w+=,.@:-]+$/.exec(resource)?.[1];
  if (session !== undefined) return { issuer: "aws", subject: `${account}:role/${session}` };
  const user = /^user\/([\w+=,.@/-]+)$/.exec(resource)?.[1];
  if (user !== undefined) return { issuer: "aws", subject: `${account}:user/${user}` };
  return resource === "root" ? { issuer: "aws", subject: `${account}:root` } : undefined;
}
