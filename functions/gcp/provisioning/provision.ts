import type { Call } from "../../../core/call.ts";
import { invalidInput } from "../../../core/errors.ts";
import type { ProvisionOptions } from "../../../core/registry.ts";
import type { GarContext } from "../gar/context.ts";
import { findRepository, type Repository } from "../gar/own-repository.ts";
import { editPolicy } from "../gar/policy.ts";
import { provisionedBinding } from "../names.ts";
import { refuseOverfull } from "../policy/document.ts";
import { withHolders } from "../policy/holders.ts";
import { createAccount, findAccount, refuseUnusableAccount, type WantedAccount, wantedAccounts } from "./accounts.ts";
import { functionAccounts, letMint } from "./minting.ts";
import { createOwnRepository, refuseOverlappingRegistries, refuseUnusableRepository } from "./repository.ts";

/** What there is, and who shall mint. */
interface Survey {
  readonly functions: readonly string[];
  readonly own: Repository | undefined;
  readonly missing: readonly WantedAccount[];
}

const unchanged = " Nothing was changed.";

/**
 * Makes what the registry needs, or changes what differs. Idempotent: where everything is as it shall be, it is only read.
 *
 * @returns the binding
 * @throws RESOURCE_CONFLICT for what is not ours, BINDING_CONFIG_INVALID: before anything was changed
 */
export async function provision(
  context: GarContext,
  { replicationRegions = [] }: ProvisionOptions,
  call: Call,
): Promise<Record<string, unknown>> {
  if (replicationRegions.length > 0) {
    throw invalidInput(
      "Artifact Registry does not replicate to other regions.",
      "replicationRegions",
      "Leave them out. A registry whose location is a multi-region, as europe, is served from all of it.",
    );
  }
  await apply(context, await look(context, call), call);
  return { ...provisionedBinding(context.place) };
}

/** Reads what is there, and refuses whatever stands in the way. Writes nothing. */
async function look(context: GarContext, call: Call): Promise<Survey> {
  const functions = await functionAccounts(context, call);
  const own = await findRepository(context, call);
  if (own) refuseUnusableRepository(own, context, unchanged);
  const missing: WantedAccount[] = [];
  for (const wanted of wantedAccounts(context.place)) {
    const account = await findAccount(context, wanted.email, call);
    refuseUnusableAccount(account, wanted.email, context, unchanged);
    if (account === undefined) missing.push(wanted);
  }
  // Once provisioned, it is the other registry that is refused.
  if (!own) await refuseOverlappingRegistries(context, call);
  return { functions, own, missing };
}

async function apply(context: GarContext, { functions, own, missing }: Survey, call: Call): Promise<void> {
  // First, since its label is what the rest is found by.
  if (!own) await createOwnRepository(context, call);
  for (const wanted of missing) await createAccount(context, wanted, call);
  const accounts = wantedAccounts(context.place);
  const emails = accounts.map(({ email }) => email);
  await editPolicy(
    context,
    (policy) => {
      const changed = withHolders(policy, accounts, true);
      if (changed !== policy) refuseOverfull(policy, changed);
      return changed;
    },
    call,
    emails,
  );
  for (const email of emails) await letMint(context, email, functions, call);
}
