import type { Call } from "../../../core/call.ts";
import type { Health } from "../../../core/registry.ts";
import { regionsIn } from "../lease/registry.ts";
import { findOwnRepository } from "./own-repository.ts";
import { replicaDrift, replicatedOf } from "./replicas.ts";
import { readReplication, regionsOfRule } from "./replication.ts";
import { foreignMatches, listSome, withPrefix } from "./repositories.ts";
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
  const { place } = context;
  const { repositoryPrefix: prefix } = context.binding;
  const hint = "Run provisionRegistry.";
  const own = await findOwnRepository(context, call);
  if (own?.owner !== prefix) return [{ message: `The registry "${prefix}" is not provisioned.`, hint }];

  const messages: string[] = [];
  const standing = regionsOfRule((await readReplication(context, call)).rules, prefix, own.account);
  const record = await leases.registry.read(call);
  const has = record.provisioned ? regionsIn(record, "here", "filling") : standing;
  const regions = derived ? has : [...context.replicaRegions].sort();
  for (const role of wantedRoles({ context, account: own.account, env, regions: [place.region, ...regions] })) {
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
  const findings = messages.map((message) => ({ message, hint }));
  if (has.length === 0) return findings;
  const atHome = await withPrefix(context, prefix, place.region, call);
  const ofReplicas = await replicaDrift(context, has, replicatedOf(atHome, prefix), call);
  const taken = standing.length === 0 ? [] : foreignMatches(atHome, prefix);
  if (taken.length === 0) return [...findings, ...ofReplicas];
  const message = `The rule for "${prefix}" also replicates ${listSome(taken)}, which this registry does not own.`;
  const rename = { message, hint: "Rename those repositories: ECR filters by prefix only." };
  return [...findings, ...ofReplicas, rename];
}

function list(regions: readonly string[]): string {
  return regions.length === 0 ? "no region" : regions.join(", ");
}
