import type { GcpAccess } from "../../../core/schemas.ts";
import { type GrantSet, grantSet, worker } from "./grant.ts";
import { grantOfEmail } from "./members.ts";

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
