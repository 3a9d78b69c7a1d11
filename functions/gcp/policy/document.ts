/** An IAM policy as the client library gives it: what is not named here passes through untouched. */
export interface IamPolicy {
  readonly version?: number | null;
  readonly bindings?: readonly Binding[] | null;
  /** Stands for the state that was read; the only guard against losing somebody else's edit. */
  readonly etag?: Uint8Array | string | null;
}

/** Members of one role. Bindings are told apart by role and condition together. */
export interface Binding {
  readonly role?: string | null;
  readonly members?: readonly string[] | null;
  readonly condition?: object | null;
}

/** The version that can hold conditions. An edit under a lower one would lose them. */
export const policyVersion = 3;

/** The role that consumers get: it pulls, and nothing else. */
export const readerRole = "roles/artifactregistry.reader";

/** Whether grants live in this binding: exactly the role, and no condition, not even one that always holds. */
export function isGrantBinding({ role, condition }: Binding): boolean {
  return role === readerRole && (condition === undefined || condition === null);
}
