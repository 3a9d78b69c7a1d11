import { randomInt } from "node:crypto";
import type { DenyPolicy } from "../iam/deny.ts";
import { emptyPolicy, type Policy } from "../iam/policy.ts";

export interface ServiceAccount {
  readonly email: string;
  readonly project: string;
  readonly uniqueId: string;
  readonly displayName: string;
  readonly description: string;
  /** Nobody gets tokens for it. */
  disabled: boolean;
  policy: Policy;
  /** Whether it was made over the API: then it is not known everywhere at once. */
  readonly isNew: boolean;
  /** From when on other services know of it. */
  readonly visibleFrom: Date;
}

export interface Project {
  readonly id: string;
  readonly number: string;
  policy: Policy;
  denyPolicies: readonly DenyPolicy[];
}

/** Projects and the service accounts in them, those of Google's own agents included. */
export class Directory {
  /** Users and groups (`user:…`, `group:…`) that do not exist; all others do. */
  readonly unknownMembers = new Set<string>();
  readonly #projects = new Map<string, Project>();
  readonly #accounts = new Map<string, ServiceAccount>();
  readonly #clock: () => Date;
  readonly #delayMs: number;

  constructor(clock: () => Date, delayMs: number) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  /** Makes a project with Cloud Run's and Artifact Registry's agents in it. */
  addProject(id: string, number: string): Project {
    const project: Project = { id, number, policy: emptyPolicy(), denyPolicies: [] };
    this.#projects.set(id, project);
    this.#projects.set(number, project);
    for (const domain of ["serverless-robot-prod", "gcp-sa-artifactregistry", "gcp-sa-pubsub"]) {
      this.add(`service-${number}@${domain}.iam.gserviceaccount.com`, id);
    }
    return project;
  }

  /** By id or number. */
  project(id: string): Project | undefined {
    return this.#projects.get(id);
  }

  add(email: string, project: string, texts: { displayName?: string; description?: string; late?: boolean } = {}) {
    const { displayName = "", description = "", late = false } = texts;
    const account: ServiceAccount = {
      email,
      project,
      uniqueId: `1${Array.from({ length: 20 }, () => randomInt(10)).join("")}`,
      displayName,
      description,
      disabled: false,
      policy: emptyPolicy(),
      isNew: late,
      visibleFrom: new Date(this.#clock().getTime() + (late ? this.#delayMs : 0)),
    };
    this.#accounts.set(email, account);
    return account;
  }

  account(emailOrId: string): ServiceAccount | undefined {
    const byEmail = this.#accounts.get(emailOrId);
    return byEmail ?? [...this.#accounts.values()].find(({ uniqueId }) => uniqueId === emailOrId);
  }

  accounts(project: string): readonly ServiceAccount[] {
    return [...this.#accounts.values()].filter((account) => account.project === project);
  }

  projects(): readonly Project[] {
    return [...new Set(this.#projects.values())];
  }

  /** Whether a policy may name this account yet. */
  visible(email: string): boolean {
    const account = this.#accounts.get(email);
    return account !== undefined && account.visibleFrom <= this.#clock();
  }

  remove(email: string): ServiceAccount | undefined {
    const account = this.#accounts.get(email);
    this.#accounts.delete(email);
    return account;
  }
}
