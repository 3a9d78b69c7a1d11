export { atomsOf, fromAtoms, grantPacking, planToAdd, planToDelete, planToRemove } from "./atoms.ts";
export { leaseWithoutTable, requireLeaseTable } from "./choose.ts";
export type { Clock } from "./clock.ts";
export type { Held, LeaseRecord, Outcome, Packing, Plan, PolicyLease } from "./lease.ts";
export { createProcessLease } from "./mutex.ts";
export { createLeaseTable, type LeaseTableOptions } from "./table.ts";
