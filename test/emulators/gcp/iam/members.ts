import { GcpError } from "../errors.ts";
import type { Directory } from "../identity/directory.ts";
import type { Binding } from "./policy.ts";
import type { Roles } from "./roles.ts";

const FORMS = [
  /^(allUsers|allAuthenticatedUsers)$/,
  /^(user|group|serviceAccount):[^\s:@]+@[^\s:@]+\.[^\s:@]+$/,
  /^deleted:(user|group|serviceAccount):[^\s:@]+@[^\s:@?]+\?uid=\d+$/,
  /^domain:[a-z0-9.-]+$/,
  /^(projectOwner|projectEditor|projectViewer):\S+$/,
  /^(principal|principalSet):\/\/iam\.googleapis\.com\/\S+$/,
];

const KINDS: Readonly<Record<string, string>> = { user: "User", group: "Group", serviceAccount: "Service account" };

/** @throws INVALID_ARGUMENT for a binding that IAM does not take: an unknown role, a member that is none or does not exist */
export function checkBinding(directory: Directory, roles: Roles, { role, members, condition }: Binding): void {
  if (!roles.has(role)) throw new GcpError("INVALID_ARGUMENT", `Role ${role} is not supported for this resource.`);
  if (condition !== undefined && (condition.title === "" || condition.expression === "")) {
    throw new GcpError("INVALID_ARGUMENT", "A condition must have a title and an expression.");
  }
  for (const member of members) {
    if (!FORMS.some((form) => form.test(member))) {
      throw new GcpError("INVALID_ARGUMENT", `Invalid member: ${JSON.stringify(member)}.`);
    }
    const [, kind = "", email = ""] = /^(user|group|serviceAccount):(.+)$/.exec(member) ?? [];
    if (kind === "") continue;
    const exists = kind === "serviceAccount" ? directory.visible(email) : !directory.unknownMembers.has(member);
    if (!exists) throw new GcpError("INVALID_ARGUMENT", `${KINDS[kind]} ${email} does not exist.`);
  }
}
