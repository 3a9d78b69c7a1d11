import type { Call } from "../../../core/call.ts";
import type { Health } from "../../../core/registry.ts";
import { regionsIn } from "../lease/registry.ts";
import { findOwnRepository } from "./own-repository.ts";
import { readRules, regionsOfRule } from "./replication.ts";
import { type Drift, roleDrift } from "./roles.ts";
import type { Site } from "./site.ts";
import { wantedRoles } from "./wanted-roles.ts";

const words: Readonly<Record<Drift, string>> = {
  missing: "does not exist",
  foreign: "is not this registry's",
  path: "is on another path than ALIEN_ROLE_PATH",
  trust: "trusts others than the functions",
  session: "has a different maximum length of sessions",
  boundary: "has a different permissions boundary",
  policy: "has a different policy",
};

/** Finds how the registry differs from what provisioning makes. It only reads. */
export async function findDrift({ context, leases, env, iam, derived }: Site, call: Call): Promise<Health["findings"]> {
  const { repositoryPrefix: prefix } = context.binding;
  const hint = "Run provisionRegistry.";
  const own = await findOwnRepository(context, call);
  if (own?.owner !== prefix) return [{ message: `The registry "${prefix}" is not provisioned.`, hint }];

  const messages: string[] = [];
  const standing = regionsOfRule(await readRules(context, call), prefix, own.account);
  const record = await leases.registry.read(call);
  const has = record.provisioned ? regionsIn(record, "here", "filling") : standing;
  const regions = derived ? has : [...context.replicaRegions].sort();
  for (const role of wantedRoles({ context, account: own.account, env, regions: [context.place.region, ...regions] })) {
    for (const each of await roleDrift(iam, role, call)) messages.push(`The role "${role.name}" ${words[each]}.`);
  }
  if (standing.join() !== regions.join()) {
    messages.push(`The registry replicates to ${list(standing)}; its binding names ${list(regions)}.`);
  }
  if (record.provisioned && has.join() !== regions.join()) {
    messages.push(`The registry gives grants in ${list(has)}; its binding names ${list(regions)}.`);
  }
  const left = [...new Set([...own.regions, ...Object.keys(record.regions)])].filter((region) => {
    return record.provisioned ? !has.includes(region) : !standing.includes(region) && !regions.includes(region);
  });
  if (left.length > 0) messages.push(`A change of regions was not finished: ${list(left)} may still hold grants.`);
  const filling = regionsIn(record, "filling");
  if (filling.length > 0) messages.push(`A change of regions was not finished: ${list(filling)} may lack grants.`);
  return messages.map((message) => ({ message, hint }));
}

function list(regions: readonly string[]): string {
  return regions.length === 0 ? "no region" : regions.join(", ");
}
