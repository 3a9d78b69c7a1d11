import { GcpError } from "../errors.ts";
import type { World } from "../world.ts";
import { checkCondition } from "./conditions.ts";
import type { Binding } from "./policy.ts";

const FORMS = [
  /^(allUsers|allAuthenticatedUsers)$/,
  /^(user|group|serviceAccount):[^\s:@]+@[^\s:@]+\.[^\s:@]+$/,
  /^deleted:(user|group|serviceAccount):[^\s:@]+@[^\s:@?]+\?uid=\d+$/,
  /^domain:[a-z0-9.-]+$/,
  /^(projectOwner|projectEditor|projectViewer):\S+$/,
  /^(principal|principalSet):\/\/iam\.googleapis\.com\/\S+$/,
];

const KINDS: Readonly<Record<string, string>> = { user: "User", group: "Group", serviceAccount: "Service account" };

/**
 * Checks a binding that is to stand in the policy of a resource.
 *
 * @param on the resource's service, as permissions begin, and its project
 * @throws INVALID_ARGUMENT for a binding that IAM does not take: an unknown role, a condition that this resource does not
 * accept, a member that is none or does not exist
 */
export function checkBinding(
  { directory, roles }: World,
  on: { readonly service: string; readonly project: string },
  { role, members, condition }: Binding,
): void {
  if (!roles.has(role, on.project))
    throw new GcpError("INVALID_ARGUMENT", `Role ${role} is not supported for this resource.`);
  if (condition !== undefined) checkCondition(on.service, condition);
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
