import * as v from "valibot";
import { type GcpAccess, projectNumber, serviceAccountEmail } from "../../core/schemas.ts";

/** One atom of cross-account access. Whatever it names may pull, and nothing else. */
export type Grant =
  /** The Cloud Run service agent of the project may pull for the project's services. */
  | { readonly kind: "worker"; readonly projectNumber: string }
  | { readonly kind: "serviceAccount"; readonly email: string };

/**
 * A set of grants, in its one canonical form: sorted by code unit, without doubles. Two equal sets are structurally
 * equal. Made by `grantSet` only.
 */
export interface GrantSet {
  readonly workers: readonly string[];
  readonly serviceAccounts: readonly string[];
}

export const worker = (projectNumber: string): Grant => ({ kind: "worker", projectNumber });
export const serviceAccount = (email: string): Grant => ({ kind: "serviceAccount", email });

/** The canonical set of any grants, in any order and with doubles. */
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
  return { workers: [...workers].sort(byCodeUnit), serviceAccounts: [...serviceAccounts].sort(byCodeUnit) };
}

export const noGrants: GrantSet = grantSet([]);

/** The atoms of a set, in canonical order. */
export function grantsOf({ workers, serviceAccounts }: GrantSet): Grant[] {
  return [...workers.map(worker), ...serviceAccounts.map(serviceAccount)];
}

/** The same order in every locale. */
function byCodeUnit(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/**
 * What `access` adds: each service account, and the worker of each project where `worker` is among the service types.
 * A project without service types is nobody who could pull, so that it grants nothing.
 */
export function spelledOut({ projectNumbers, serviceAccountEmails, allowedServiceTypes }: GcpAccess): GrantSet {
  return grantSet([
    ...(allowedServiceTypes.includes("worker") ? projectNumbers.map(worker) : []),
    ...serviceAccountEmails.map(grantOfEmail),
  ]);
}

/**
 * What `access` takes away, erring on the side of revoking: a project loses its worker also where no service types are
 * given, since none means all. Service accounts go one by one: an account of the project was granted, and is revoked, by
 * its own address.
 */
export function revokedBy({ projectNumbers, serviceAccountEmails }: GcpAccess): GrantSet {
  return grantSet([...projectNumbers.map(worker), ...serviceAccountEmails.map(grantOfEmail)]);
}

/** What `getCrossAccountAccess` says of a set. */
export interface GcpPermissions {
  /** The union in the documented shape. */
  readonly access: GcpAccess;
  /** Values that, added one by one to nothing, give the set. One is enough: nothing in it depends on anything else. */
  readonly grants: GcpAccess[];
}

export function toPermissions({ workers, serviceAccounts }: GrantSet): GcpPermissions {
  const access: GcpAccess = {
    type: "gcp",
    projectNumbers: [...workers],
    serviceAccountEmails: [...serviceAccounts],
    allowedServiceTypes: workers.length > 0 ? ["worker"] : [],
  };
  return { access, grants: workers.length + serviceAccounts.length > 0 ? [access] : [] };
}

const robot = /^service-(\d+)@serverless-robot-prod\.iam\.gserviceaccount\.com$/;
const prefix = "serviceAccount:";

/** The e-mail address of what a grant lets in. For a worker that is its project's Cloud Run service agent. */
export function emailOf(grant: Grant): string {
  switch (grant.kind) {
    case "worker":
      return `service-${grant.projectNumber}@serverless-robot-prod.iam.gserviceaccount.com`;
    case "serviceAccount":
      return grant.email;
  }
}

/** A grant as IAM writes it. */
export function memberOf(grant: Grant): string {
  return prefix + emailOf(grant);
}

/** The grant for an e-mail address. A service agent's is its worker, however it was granted. */
export function grantOfEmail(email: string): Grant {
  const number = robot.exec(email)?.[1];
  return number !== undefined && v.is(projectNumber, number) ? worker(number) : serviceAccount(email);
}

/**
 * The grant that a member stands for.
 *
 * @returns undefined for users, groups, everybody, deleted accounts: only what a caller could have passed is a grant
 */
export function grantOfMember(member: string): Grant | undefined {
  const email = emailOfMember(member);
  return email !== undefined && v.is(serviceAccountEmail, email) ? grantOfEmail(email) : undefined;
}

/** The address of a service account that is there. */
export function emailOfMember(member: string): string | undefined {
  return member.startsWith(prefix) ? canonical(member.slice(prefix.length)) : undefined;
}

/** The address of a service account that is gone, of which IAM made `deleted:serviceAccount:{email}?uid={number}`. */
export function deletedEmailOf(member: string): string | undefined {
  const email = /^deleted:serviceAccount:([^?]+)(?:\?uid=\d+)?$/.exec(member)?.[1];
  return email === undefined ? undefined : canonical(email);
}

/** Addresses are the same in upper and lower case. */
function canonical(email: string): string {
  return email.toLowerCase();
}
