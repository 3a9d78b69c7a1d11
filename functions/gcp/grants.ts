/** Cross-account access as values: what a consumer asks for, the grants that it stands for, and IAM's names for them. */
import * as v from "valibot";
import { type GcpAccess, projectNumber, serviceAccountEmail } from "../../core/schemas.ts";

/** The smallest unit of cross-account access: one principal that may pull, and do nothing else. */
export type Grant =
  /** The Cloud Run service agent of a project, which pulls for the project's services. Who deploys them needs a grant as well. */
  | { readonly kind: "worker"; readonly projectNumber: string }
  | { readonly kind: "serviceAccount"; readonly email: string };

/**
 * A set of grants in canonical form: sorted by code unit, without duplicates. Equal sets are structurally equal. Only
 * `grantSet` makes one.
 */
export interface GrantSet {
  readonly workers: readonly string[];
  readonly serviceAccounts: readonly string[];
}

export const worker = (projectNumber: string): Grant => ({ kind: "worker", projectNumber });
export const serviceAccount = (email: string): Grant => ({ kind: "serviceAccount", email });

/** The canonical set of these grants, which may come in any order and more than once. */
export function grantSet(grants: Iterable<Grant>): GrantSet {
  const workers = new Set<string>();
  const serviceAccounts = new Set<string>();
  for (const grant of grants) {
    switch (grant.kind) {
      case "worker":
        workers.add(grant.projectNumber);
        break;
      case "serviceAccount":
        serviceAccounts.add(grant.email);
        break;
    }
  }
  // Without a comparison of its own, `sort` is the same in every locale.
  return { workers: [...workers].sort(), serviceAccounts: [...serviceAccounts].sort() };
}

export const noGrants: GrantSet = grantSet([]);

export function isEmpty({ workers, serviceAccounts }: GrantSet): boolean {
  return workers.length + serviceAccounts.length === 0;
}

/** The grants of a set, in canonical order. */
export function grantsOf({ workers, serviceAccounts }: GrantSet): Grant[] {
  return [...workers.map(worker), ...serviceAccounts.map(serviceAccount)];
}

/**
 * The grants that `access` adds: each service account, and, where `worker` is among the service types, the worker of each
 * project. A project without service types adds nothing, because it names nobody who could pull.
 */
export function grantsAddedBy({ projectNumbers, serviceAccountEmails, allowedServiceTypes }: GcpAccess): GrantSet {
  return grantSet([
    ...(allowedServiceTypes.includes("worker") ? projectNumbers.map(worker) : []),
    ...serviceAccountEmails.map(grantOfEmail),
  ]);
}

/**
 * The grants that `access` takes away. It errs on the side of revoking: a project loses its worker even if no service
 * types are given, because none means all. A service account was granted by its own address, and is revoked by that
 * address, whichever project it belongs to.
 */
export function grantsRemovedBy({ projectNumbers, serviceAccountEmails }: GcpAccess): GrantSet {
  return grantSet([...projectNumbers.map(worker), ...serviceAccountEmails.map(grantOfEmail)]);
}

/**
 * A set of grants as `getCrossAccountAccess` answers it.
 *
 * @returns `access`, the union of the set, and `grants`: values that give exactly the set when they are added one by one
 *   to nothing. At most one is needed, since no grant depends on another.
 */
export function toPermissions(set: GrantSet): { access: GcpAccess; grants: GcpAccess[] } {
  const access: GcpAccess = {
    type: "gcp",
    projectNumbers: [...set.workers],
    serviceAccountEmails: [...set.serviceAccounts],
    allowedServiceTypes: set.workers.length > 0 ? ["worker"] : [],
  };
  return { access, grants: isEmpty(set) ? [] : [access] };
}

const serviceAgent = /^service-(\d+)@serverless-robot-prod\.iam\.gserviceaccount\.com$/;
const memberPrefix = "serviceAccount:";

/** The e-mail address of the principal that a grant lets in. A worker's is that of its project's Cloud Run service agent. */
export function emailOf(grant: Grant): string {
  switch (grant.kind) {
    case "worker":
      return `service-${grant.projectNumber}@serverless-robot-prod.iam.gserviceaccount.com`;
    case "serviceAccount":
      return grant.email;
  }
}

/** A grant as a member of an IAM policy. */
export function memberOf(grant: Grant): string {
  return memberPrefix + emailOf(grant);
}

/** The grant for an e-mail address. The address of a service agent means the worker of its project, however it was granted. */
function grantOfEmail(email: string): Grant {
  const number = serviceAgent.exec(email)?.[1];
  return number !== undefined && v.is(projectNumber, number) ? worker(number) : serviceAccount(email);
}

/**
 * The grant that a member of an IAM policy stands for.
 *
 * @returns undefined for users, groups, everybody and deleted accounts: only what a caller could have passed is a grant
 */
export function grantOfMember(member: string): Grant | undefined {
  const email = emailOfMember(member);
  return email !== undefined && v.is(serviceAccountEmail, email) ? grantOfEmail(email) : undefined;
}

/** The address of the service account that a member names; undefined for a deleted account, and for every other member. */
export function emailOfMember(member: string): string | undefined {
  return member.startsWith(memberPrefix) ? canonicalEmail(member.slice(memberPrefix.length)) : undefined;
}

/** The address that a deleted service account had. IAM renames it to `deleted:serviceAccount:{email}?uid={number}`. */
export function deletedEmailOf(member: string): string | undefined {
  const email = /^deleted:serviceAccount:([^?]+)(?:\?uid=\d+)?$/.exec(member)?.[1];
  return email === undefined ? undefined : canonicalEmail(email);
}

/** Upper and lower case make no difference in an address. */
function canonicalEmail(email: string): string {
  return email.toLowerCase();
}
