/**
 * Deny policies of a project (IAM v2): what they deny, no role allows.
 *
 * https://docs.cloud.google.com/iam/docs/deny-overview
 */
export interface DenyPolicy {
  readonly displayName?: string;
  readonly rules: readonly { readonly denyRule: DenyRule }[];
}

export interface DenyRule {
  readonly deniedPrincipals: readonly string[];
  readonly exceptionPrincipals?: readonly string[];
  /** As `artifactregistry.googleapis.com/repositories.delete`. */
  readonly deniedPermissions: readonly string[];
}

const everybody = "principalSet://goog/public:all";

/** Whether a policy keeps a caller from a permission, which is written as roles have it (`artifactregistry.repositories.delete`). */
export function denies({ rules }: DenyPolicy, email: string | undefined, permission: string): boolean {
  const [, service = "", rest = ""] = /^([a-z]+)\.(.+)$/.exec(permission) ?? [];
  const names = [
    everybody,
    `principal://iam.googleapis.com/projects/-/serviceAccounts/${email}`,
    `principal://goog/subject/${email}`,
  ];
  const isNamed = (principals: readonly string[]) => principals.some((principal) => names.includes(principal));
  return rules.some(
    ({ denyRule: { deniedPrincipals, exceptionPrincipals = [], deniedPermissions } }) =>
      deniedPermissions.includes(`${service}.googleapis.com/${rest}`) &&
      isNamed(deniedPrincipals) &&
      !isNamed(exceptionPrincipals),
  );
}
