import * as v from "valibot";
import { gcpAccess } from "../../../core/schemas.ts";
import { type Grant, serviceAccount, worker } from "./grant.ts";

const { projectNumbers, serviceAccountEmails } = gcpAccess.entries;
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
  const projectNumber = robot.exec(email)?.[1];
  return projectNumber !== undefined && v.is(projectNumbers.item, projectNumber)
    ? worker(projectNumber)
    : serviceAccount(email);
}

/**
 * The grant that a member stands for.
 *
 * @returns undefined for users, groups, everybody, deleted accounts: only what a caller could have passed is a grant
 */
export function grantOfMember(member: string): Grant | undefined {
  const email = emailOfMember(member);
  return email !== undefined && v.is(serviceAccountEmails.item, email) ? grantOfEmail(email) : undefined;
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
