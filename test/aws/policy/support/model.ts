import type { AwsAccess } from "../../../../core/schemas.ts";
import { type GrantSet, grantsOf } from "../../../../functions/aws/grants/grant.ts";
import type { Step } from "./access.ts";

/** The rules of cross-account access once more, in the plainest form: a set of words. */
export type Model = ReadonlySet<string>;

export const nothing: Model = new Set();

export function modelOf(grants: GrantSet): Model {
  return new Set(
    grantsOf(grants).map((grant) => {
      if (grant.kind === "role") return `role ${grant.roleArn}`;
      return grant.kind === "account" ? `account ${grant.accountId}` : `worker ${grant.accountId} ${grant.region}`;
    }),
  );
}

const isWorkerOf = (atom: string, account: string) => atom.startsWith(`worker ${account} `);

export function modelAdd(held: Model, value: AwsAccess): Model {
  const next = new Set(held);
  for (const account of value.accountIds) {
    next.add(`account ${account}`);
    if (!value.allowedServiceTypes.includes("worker")) continue;
    for (const region of value.regions) next.add(`worker ${account} ${region}`);
    if (value.regions.length === 0) next.add(`worker ${account} any`);
    if (!next.has(`worker ${account} any`)) continue;
    for (const atom of next) if (isWorkerOf(atom, account) && !atom.endsWith(" any")) next.delete(atom);
  }
  for (const role of value.roleArns) next.add(`role ${role}`);
  return next;
}

/** @returns undefined where the call is refused */
export function modelRemove(held: Model, value: AwsAccess): Model | undefined {
  const next = new Set(held);
  for (const role of value.roleArns) next.delete(`role ${role}`);
  const everything = !value.allowedServiceTypes.includes("worker") || value.regions.length === 0;
  for (const account of value.accountIds) {
    if (!everything && held.has(`worker ${account} any`)) return undefined;
    for (const atom of held) {
      if (isWorkerOf(atom, account) && (everything || value.regions.some((region) => atom.endsWith(` ${region}`)))) {
        next.delete(atom);
      }
    }
    if (![...next].some((atom) => isWorkerOf(atom, account))) next.delete(`account ${account}`);
  }
  return next;
}

export function modelApply(held: Model, { does, access }: Step): Model | undefined {
  return does === "add" ? modelAdd(held, access) : modelRemove(held, access);
}
