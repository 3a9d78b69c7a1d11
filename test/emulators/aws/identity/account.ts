import type { BoundDocument } from "./bound-principals.ts";

interface Identity {
  readonly kind: "user" | "role";
  readonly account: string;
  readonly name: string;
  readonly arn: string;
  /** `AIDA…` or `AROA…`: never used twice. */
  readonly id: string;
  readonly path: string;
  readonly createdAt: Date;
  /** Inline policies by name; texts. */
  readonly policies: Map<string, string>;
  /** ARNs of managed policies. */
  readonly attached: Set<string>;
  readonly tags: Map<string, string>;
  boundary: string | undefined;
  deleted: boolean;
}

export interface User extends Identity {
  readonly kind: "user";
}

export interface Role extends Identity {
  readonly kind: "role";
  trust: BoundDocument;
  maxSessionDuration: number;
  description: string | undefined;
  /** As in reality, a role is not seen by other services at once: how many looks, and until when. */
  hiddenLooks: number;
  readonly hiddenUntil: number;
  /** The same for resource policies that name it, where that is later still. */
  readonly unnamed: Delay | undefined;
  /** What counts instead of an inline policy that was put just now, by its name. */
  readonly before: Map<string, { readonly text: string | undefined; readonly delay: Delay }>;
}

/** How long something stays unseen: for so many looks, and until a moment in milliseconds. */
export interface Delay {
  looks: number;
  readonly until: number;
}

/** Looks once. Each look brings the moment nearer at which it is seen. */
export function isHidden(delay: Delay | undefined, now: number): boolean {
  if (delay === undefined) return false;
  if (delay.looks > 0) {
    delay.looks--;
    return true;
  }
  return now < delay.until;
}

/** The inline policies of an identity as other services see them at this moment. */
export function policiesInForce(identity: User | Role, now: number): string[] {
  if (identity.kind === "user") return [...identity.policies.values()];
  return [...identity.policies].flatMap(([name, text]) => {
    const before = identity.before.get(name);
    if (before !== undefined && isHidden(before.delay, now)) return before.text ?? [];
    identity.before.delete(name);
    return [text];
  });
}

/** One AWS account's identities. */
export interface Account {
  readonly id: string;
  readonly users: Map<string, User>;
  readonly roles: Map<string, Role>;
  /** Managed policies: texts by ARN. */
  readonly managed: Map<string, string>;
}
