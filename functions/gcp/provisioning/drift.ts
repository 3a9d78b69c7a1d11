import type { Call } from "../../../core/call.ts";
import type { Findings } from "../../../core/health.ts";
import type { GarContext } from "../gar/context.ts";
import { findOwnRepository, hasOwnershipLabel, kindFindings } from "../gar/own-repository.ts";
import { readPolicy } from "../gar/policy.ts";
import { holdsRole, otherRoles } from "../policy/holders.ts";
import { accountState, findAccount, howToAdoptAccount, registryAccounts } from "./accounts.ts";
import { functionAccounts, readAccountPolicy, tokenCreatorRole } from "./minting.ts";
import { howToAdoptRepository } from "./repository.ts";
import { hasTag, registryTag } from "./tag.ts";

const hint = "Run provisionRegistry.";

/** Finds where the registry differs from what provisioning makes. It only reads. */
export async function findDrift(context: GarContext, call: Call): Promise<Findings> {
  const { place } = context;
  const functions = await functionAccounts(context, call);
  const repository = await findOwnRepository(context, call);
  if (!repository) return [{ message: `The registry "${place.repository}" is not provisioned.`, hint }];
  if (!hasOwnershipLabel(repository, place)) {
    const message = `The repository "${place.repository}" does not belong to this registry.`;
    return [{ message, hint: `${howToAdoptRepository(context)}.` }];
  }
  const wrongKind = kindFindings(repository);
  if (wrongKind.length > 0) return wrongKind;
  const policy = await readPolicy(context, call);
  const findings: Findings = [];
  const tag = registryTag(context);
  if (tag !== undefined && !(await hasTag(context, tag, call))) {
    findings.push({
      message: `${tag} is not attached to the repository, so that the other doors may not change it.`,
      hint,
    });
  }
  for (const account of registryAccounts(place)) {
    findings.push(...(await accountFindings(context, account.email, functions, call)));
    const { email, role } = account;
    if (!holdsRole(policy, account)) findings.push({ message: `${email} lacks ${role} on the repository.`, hint });
    const more = otherRoles(policy, account);
    if (more.length > 0) findings.push({ message: `${email} also has ${more.join(", ")} on the repository.`, hint });
  }
  return findings;
}

async function accountFindings(
  context: GarContext,
  email: string,
  functions: readonly string[],
  call: Call,
): Promise<Findings> {
  const what = `The service account ${email}`;
  switch (accountState(await findAccount(context, email, call), context)) {
    case "missing":
      return [{ message: `${what} does not exist.`, hint }];
    case "foreign":
      return [{ message: `${what} does not belong to this registry.`, hint: `${howToAdoptAccount(context)}.` }];
    case "disabled":
      return [{ message: `${what} is disabled.`, hint: "Enable it. Provisioning does not enable it." }];
    case "ready": {
      const policy = await readAccountPolicy(context, email, call);
      const lacking = functions.filter((each) => !holdsRole(policy, { email: each, role: tokenCreatorRole }));
      return lacking.map((each) => ({ message: `${each} lacks ${tokenCreatorRole} on ${email}.`, hint }));
    }
  }
}
