import { randomUUID } from "node:crypto";
import { type AskedAssignment, parseCondition } from "./condition.ts";
import { matches, type Role, type Roles } from "./roles.ts";

export interface Assignment {
  /** A GUID. */
  readonly name: string;
  readonly scope: string;
  readonly roleId: string;
  readonly principalId: string;
  readonly principalType: string;
  readonly condition?: string | undefined;
  readonly description?: string | undefined;
  readonly createdOn: Date;
  readonly createdBy: string;
  /** From when on it counts, and until when: changes reach the services late. */
  readonly from: Date;
  until?: Date;
}

/** What is asked of the role assignments. */
export interface Question {
  readonly principalId: string;
  readonly action: string;
  readonly kind: "action" | "data";
  readonly scope: string;
  readonly repository?: string | undefined;
  readonly assignment?: AskedAssignment | undefined;
}

/** Who may do what, and where. */
export class Assignments {
  readonly #roles: Roles;
  readonly #clock: () => Date;
  readonly #delayMs: () => number;
  #all: Assignment[] = [];

  /** A change takes effect so late. */
  constructor(roles: Roles, clock: () => Date, delayMs: () => number) {
    this.#roles = roles;
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  /** Those that were not deleted. */
  list(): readonly Assignment[] {
    return this.#all.filter(({ until }) => until === undefined);
  }

  add(seed: Omit<Assignment, "name" | "createdOn" | "from"> & { readonly name?: string; readonly atOnce?: boolean }) {
    const now = this.#clock();
    const { atOnce = false, name = randomUUID(), ...rest } = seed;
    const from = atOnce ? new Date(0) : new Date(now.getTime() + this.#delayMs());
    const assignment: Assignment = { ...rest, name: name.toLowerCase(), createdOn: now, from };
    this.#all.push(assignment);
    return assignment;
  }

  remove(assignment: Assignment, atOnce = false): void {
    assignment.until = new Date(this.#clock().getTime() + (atOnce ? 0 : this.#delayMs()));
  }

  /** Forgets what was assigned below a scope that is gone. */
  removeBelow(scope: string): void {
    this.#all = this.#all.filter((one) => !contains(scope, one.scope));
  }

  allows(question: Question): boolean {
    return this.#fitting(question).some(
      ({ condition }) => condition === undefined || parseCondition(condition)(question),
    );
  }

  /** Whether it is allowed where conditions are left aside. */
  mayAllow(question: Question): boolean {
    return this.#fitting(question).length > 0;
  }

  #fitting(question: Question): readonly Assignment[] {
    const now = this.#clock();
    return this.#all.filter(({ principalId, scope, roleId, from, until }) => {
      if (principalId !== question.principalId || !contains(scope, question.scope)) return false;
      if (from > now || (until !== undefined && until <= now)) return false;
      const role = this.#roles.find(roleId);
      return role !== undefined && roleAllows(role, question);
    });
  }
}

function roleAllows(role: Role, { kind, action }: Question): boolean {
  if (kind === "data") return matches(role.dataActions, action);
  return matches(role.actions, action) && !matches(role.notActions, action);
}

/** Whether one scope is another or holds it: a subscription, a group in it, a resource in that. */
export function contains(outer: string, inner: string): boolean {
  const [above, below] = [outer, inner].map((scope) => `${scope.toLowerCase().replace(/\/$/, "")}/`);
  return below?.startsWith(above ?? "") ?? false;
}
