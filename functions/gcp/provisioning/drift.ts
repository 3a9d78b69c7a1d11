import type { Call } from "../../../core/call.ts";
import type { Health } from "../../../core/registry.ts";
import type { GarContext } from "../gar/context.ts";
import { findRepository, isOurs } from "../gar/own-repository.ts";
import { readPolicy } from "../gar/policy.ts";
import { holds, otherRoles } from "../policy/holders.ts";
import { adoption, findAccount, stateOf, tokenCreatorRole, type WantedAccount, wantedAccounts } from "./accounts.ts";
import { functionAccounts, readAccountPolicy } from "./minting.ts";
import { adoption as repositoryAdoption } from "./repository.ts";

const hint = "Run provisionRegistry.";

/** In what the registry differs from what provisioning makes. Reads only. */
export async function findDrift(context: GarContext, call: Call): Promise<Health["findings"]> {
  const { place } = context;
  const functions = await functionAccounts(context, call);
  const own = await findRepository(context, call);
  if (!own) return [{ message: `The registry "${place.repository}" is not provisioned.`, hint }];
  if (!isOurs(own.labels ?? {}, place)) {
    const message = `The repository "${place.repository}" is not this registry's.`;
    return [{ message, hint: `${repositoryAdoption(context)}.` }];
  }
  if (own.format !== "DOCKER") {
    return [{ message: "The repository does not hold images.", hint: "Bind one of format Docker." }];
  }
  const policy = await readPolicy(context, call);
  const findings: Health["findings"] = [];
  for (const account of wantedAccounts(place)) {
    const state = await accountFindings(context, account, functions, call);
    findings.push(...state);
    const { email, role } = account;
    if (!holds(policy, account)) findings.push({ message: `${email} has not ${role} on the repository.`, hint });
    const more = otherRoles(policy, account);
    if (more.length > 0) findings.push({ message: `${email} also has ${more.join(", ")} on the repository.`, hint });
  }
  return findings;
}

async function accountFindings(
  context: GarContext,
  { email }: WantedAccount,
  functions: readonly string[],
  call: Call,
): Promise<Health["findings"]> {
  const what = `The service account ${email}`;
  switch (stateOf(await findAccount(context, email, call), context)) {
    case "missing":
      return [{ message: `${what} does not exist.`, hint }];
    case "foreign":
      return [{ message: `${what} is not this registry's.`, hint: `${adoption(context)}.` }];
    case "disabled":
      return [{ message: `${what} is disabled.`, hint: "Enable it: provisioning does not." }];
    case "ready": {
      const policy = await readAccountPolicy(context, email, call);
      const without = functions.filter((each) => !holds(policy, { email: each, role: tokenCreatorRole }));
      return without.map((each) => ({ message: `${each} has not ${tokenCreatorRole} on ${email}.`, hint }));
    }
  }
}
