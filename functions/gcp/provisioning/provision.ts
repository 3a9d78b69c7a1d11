import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError, invalidInput } from "../../../core/errors.ts";
import type { ProvisionOptions } from "../../../core/registry.ts";
import type { GarContext } from "../gar/context.ts";
import { findOwnRepository, type OwnRepository } from "../gar/own-repository.ts";
import { editPolicy } from "../gar/policy.ts";
import { provisionedBinding } from "../names.ts";
import { isMigrated } from "../place.ts";
import { withinCapacity } from "../policy/document.ts";
import { withHolders } from "../policy/holders.ts";
import {
  awaitAccount,
  createAccount,
  findAccount,
  type RegistryAccount,
  refuseUnusableAccount,
  registryAccounts,
} from "./accounts.ts";
import { allowMinting, functionAccounts } from "./minting.ts";
import { createOwnRepository, refuseOverlappingRegistries, refuseUnusableRepository } from "./repository.ts";
import { attachTag, hasTag, registryTag } from "./tag.ts";

/** What exists already, what is missing, and who shall mint. */
interface Survey {
  readonly functions: readonly string[];
  readonly repository: OwnRepository | undefined;
  readonly missingAccounts: readonly RegistryAccount[];
  /** The tag that is to be attached. */
  readonly missingTag: string | undefined;
}

const unchanged = " Nothing was changed.";

/**
 * Creates what the registry needs, and changes what differs. Idempotent: where nothing differs, it only reads.
 *
 * @returns the binding
 * @throws RESOURCE_CONFLICT for what is not ours, and BINDING_CONFIG_INVALID; both before anything was changed
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
      "Leave them out. A registry whose location is a multi-region, such as europe, is served from all of it.",
    );
  }
  const { repository } = context.place;
  if (isMigrated(context.place)) {
    const message = `The repository ${repository} took the place of Container Registry, and cannot be provisioned.`;
    throw new ArtifactRegistryError("BINDING_CONFIG_INVALID", message, {
      // The label that would mark it as ours holds its id, and a label holds no dot.
      hint: "Make its pull and push accounts, and bind it with both: docs/gcp.md has the steps.",
    });
  }
  await apply(context, await survey(context, call), call);
  return { ...provisionedBinding(context.place) };
}

/** Reads what exists, and refuses whatever stands in the way. It writes nothing. */
async function survey(context: GarContext, call: Call): Promise<Survey> {
  const functions = await functionAccounts(context, call);
  const tag = registryTag(context);
  const repository = await findOwnRepository(context, call);
  if (repository) refuseUnusableRepository(repository, context, unchanged);
  const missingAccounts: RegistryAccount[] = [];
  for (const expected of registryAccounts(context.place)) {
    const account = await findAccount(context, expected.email, call);
    refuseUnusableAccount(account, expected.email, context, unchanged);
    if (account === undefined) missingAccounts.push(expected);
  }
  // Once this registry is provisioned, the other one is refused instead.
  if (!repository) await refuseOverlappingRegistries(context, call);
  const isTagged = tag !== undefined && repository !== undefined && (await hasTag(context, tag, call));
  return { functions, repository, missingAccounts, missingTag: isTagged ? undefined : tag };
}

async function apply(
  context: GarContext,
  { functions, repository, missingAccounts, missingTag }: Survey,
  call: Call,
): Promise<void> {
  // The repository comes first, because by its label the rest is found.
  if (!repository) await createOwnRepository(context, call);
  // What IAM makes of the tag takes some time to count, which the accounts below take too.
  if (missingTag !== undefined) await attachTag(context, missingTag, call);
  for (const account of missingAccounts) await createAccount(context, account, call);
  // Somebody else may have created one meanwhile: it gets no rights.
  for (const account of missingAccounts) await awaitAccount(context, account, call);
  const accounts = registryAccounts(context.place);
  const emails = accounts.map(({ email }) => email);
  const giveRoles = withinCapacity((policy) => withHolders(policy, accounts, true));
  await editPolicy(context, giveRoles, call, emails);
  const made = missingAccounts.map(({ email }) => email);
  for (const email of emails) await allowMinting(context, email, functions, call, made.includes(email));
}
