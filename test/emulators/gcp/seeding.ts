import { addRepository } from "./artifact-registry/repositories.ts";
import { emailOf } from "./http/iam.ts";
import { checkCondition } from "./iam/conditions.ts";
import type { DenyPolicy } from "./iam/deny.ts";
import { type Binding, emptyPolicy, newEtag, type Policy } from "./iam/policy.ts";
import type { TagValue } from "./iam/tags.ts";
import type { ServiceAccount } from "./identity/directory.ts";
import type { World } from "./world.ts";

/** What a test finds was made a day ago, and IAM knows it. */
const DAY_MS = 86_400_000;

export interface AccountSeed {
  readonly project?: string;
  /** What it says of itself; only of one that is made by this. */
  readonly description?: string;
  /** Roles on resources: a project's id, a repository's name, an account's e-mail, a topic's name, a tag value's id. */
  readonly roles?: Readonly<Record<string, readonly string[]>>;
}

/** Arranging tests: all of it takes effect at once, unasked and unlogged. */
export interface GcpSeeding {
  /** Makes a project, with the agents of Cloud Run and Artifact Registry in it. */
  project(id: string, number: string): void;
  /** Makes a custom role of a project, the home project if not told. Returns its name. */
  role(id: string, permissions: readonly string[], project?: string): string;
  /** Makes a service account, or gives one more roles. Returns its e-mail. */
  serviceAccount(id: string, seed?: AccountSeed): string;
  /**
   * Deletes one. Its members are shown as `deleted:…?uid=N`, or, as happens for a while, `plain`: then no policy with
   * it can be written. Returns its unique id.
   */
  deleteServiceAccount(email: string, shown?: "deleted" | "plain"): string;
  /** Makes a repository in the home project and the first location. Returns its name, `projects/…`. */
  repository(
    id: string,
    at?: {
      readonly project?: string;
      readonly location?: string;
      readonly format?: string;
      readonly mode?: string;
      readonly labels?: Readonly<Record<string, string>>;
    },
  ): string;
  /** Makes a topic. Returns its name, `projects/…`. */
  topic(id: string, project?: string): string;
  /** Makes a resource tag: a key in a project, the home project if not told, with one value. */
  tag(key: string, value: string, project?: string): TagValue;
  /** The whole policy of a project, repository, account, topic or tag value. */
  policy(resource: string): Policy;
  /** Replaces it. Only conditions that the resource does not accept are refused, and custom roles of other projects. */
  setPolicy(resource: string, bindings: readonly Binding[], auditConfigs?: Policy["auditConfigs"]): void;
  /** Attaches a deny policy to a project. */
  deny(project: string, policy: DenyPolicy): void;
  /** An access token of a service account, or of a user. */
  token(email: string, options?: { readonly seconds?: number; readonly scopes?: readonly string[] }): string;
  /** A token of somebody who owns the home project and may write policies and mint tokens there. */
  admin(): string;
  /** An identity token of an account, as the metadata server gives it. */
  idToken(email: string, audience: string): string;
}

export function seeding(world: World, home: string, location: string): GcpSeeding {
  const { directory, tokens, roles } = world;
  const adminEmail = "admin@emulator.example";
  const account = (email: string): ServiceAccount => {
    const found = directory.account(email);
    if (found === undefined) throw new Error(`${email} does not exist.`);
    return found;
  };
  const find = (resource: string): { service: string; project: string; found: { policy: Policy } } => {
    const [repository, topic] = [world.repositories.get(resource), world.topics.get(resource)];
    if (repository !== undefined)
      return { service: "artifactregistry", project: repository.project, found: repository };
    if (topic !== undefined) return { service: "pubsub", project: resource.split("/")[1] ?? "", found: topic };
    const serviceAccount = directory.account(resource);
    if (serviceAccount !== undefined) return { service: "iam", project: serviceAccount.project, found: serviceAccount };
    const [project, value] = [directory.project(resource), world.tags.value(resource)];
    if (project !== undefined) return { service: "resourcemanager", project: project.id, found: project };
    if (value !== undefined) return { service: "resourcemanager", project: value.project, found: value };
    throw new Error(`${resource} has no policy.`);
  };
  const holder = (resource: string): { policy: Policy } => find(resource).found;
  const setPolicy: GcpSeeding["setPolicy"] = (resource, bindings, auditConfigs = []) => {
    const { service, project, found } = find(resource);
    for (const { role, condition } of bindings) {
      if (condition !== undefined) checkCondition(service, condition);
      if (role.startsWith("projects/") && !roles.has(role, project)) throw new Error(`${role} is not of ${project}.`);
    }
    found.policy = { bindings, auditConfigs, etag: newEtag() };
  };
  const grant = (resource: string, role: string, member: string) => {
    const { bindings, auditConfigs } = holder(resource).policy;
    const isMeant = (binding: Binding) => binding.role === role && binding.condition === undefined;
    const members = bindings.find(isMeant)?.members ?? [];
    const others = bindings.filter((binding) => !isMeant(binding));
    setPolicy(resource, [...others, { role, members: [...new Set([...members, member])] }], auditConfigs);
  };
  return {
    project: (id, number) => void directory.addProject(id, number),
    role(id, permissions, project = home) {
      const name = `projects/${project}/roles/${id}`;
      roles.define(name, permissions);
      return name;
    },
    serviceAccount(id, { project = home, description = "", roles: granted = {} } = {}) {
      const email = emailOf(id, project);
      if (directory.account(email) === undefined) directory.add(email, project, { description });
      for (const [resource, names] of Object.entries(granted)) {
        for (const name of names) grant(resource, name, `serviceAccount:${email}`);
      }
      return email;
    },
    deleteServiceAccount(email, shown = "deleted") {
      const found = account(email);
      if (shown === "deleted") world.deleteAccount(found);
      else directory.remove(email);
      return found.uniqueId;
    },
    repository(id, at = {}) {
      const name = `projects/${at.project ?? home}/locations/${at.location ?? location}/repositories/${id}`;
      const { format = "DOCKER", mode = "STANDARD_REPOSITORY", labels = {} } = at;
      return addRepository(world, name, { format, mode, labels }, new Date(world.clock().getTime() - DAY_MS)).name;
    },
    topic(id, project = home) {
      const name = `projects/${project}/topics/${id}`;
      world.topics.set(name, { policy: emptyPolicy() });
      return name;
    },
    tag: (key, value, project = home) => world.tags.define(project, key, value),
    policy: (resource) => holder(resource).policy,
    setPolicy,
    deny(project, policy) {
      const found = directory.project(project);
      if (found === undefined) throw new Error(`There is no project ${project}.`);
      found.denyPolicies = [...found.denyPolicies, policy];
    },
    token: (email, { seconds = 3600, scopes } = {}) => tokens.mint(email, seconds, scopes).token,
    admin() {
      for (const { id } of directory.projects()) {
        for (const role of ["roles/owner", "roles/iam.serviceAccountTokenCreator"])
          grant(id, role, `user:${adminEmail}`);
      }
      return tokens.mint(adminEmail, 3600).token;
    },
    idToken: (email, audience) => world.idTokens.sign(account(email), audience, true),
  };
}
