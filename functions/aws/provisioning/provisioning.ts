import { IAMClient } from "@aws-sdk/client-iam";
import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { RoutableName } from "../../../core/names.ts";
import type { Environment } from "../../../core/platform.ts";
import type { DeprovisionOptions, Health, Provisioning, ProvisionOptions } from "../../../core/registry.ts";
import { askIdentity } from "../account.ts";
import type { EcrContext } from "../ecr/context.ts";
import { deleteRepository } from "../ecr/deletion.ts";
import type { PolicyLeases } from "../ecr/edit.ts";
import { clearReplica } from "../ecr/edit.ts";
import { createIam, type Iam } from "./iam.ts";
import { deleteIfThere, ensureOwnRepository, findOwnRepository, rememberRegions } from "./own-repository.ts";
import { regionsOfRule } from "./replication.ts";
import { putRule, readRules } from "./replication-configuration.ts";
import {
  holdsImages,
  isInside,
  namesWithPrefix,
  refuseForeignMatches,
  refuseOverlappingRegistries,
} from "./repositories.ts";
import { roleName } from "./role-names.ts";
import { ensureRole, removeRole, roleDrift } from "./roles.ts";
import { wantedRoles } from "./wanted-roles.ts";

export interface AwsProvisioning extends Provisioning {
  /** In what the registry differs from what provisioning makes. Reads only. */
  drift(call: Call): Promise<Health["findings"]>;
}

/** Makes and unmakes what a registry needs: its roles, its own repository, its replication. */
export function createAwsProvisioning(
  context: EcrContext,
  leases: PolicyLeases,
  env: Environment,
  iam: Iam = createIam(new IAMClient({ maxAttempts: 1, region: context.place.region })),
): AwsProvisioning {
  return {
    provision: (options, call) => provision(context, leases, env, iam, options, call),
    deprovision: (options, call) => deprovision(context, leases, iam, options, call),
    drift: (call) => drift(context, env, iam, call),
  };
}

async function provision(
  context: EcrContext,
  leases: PolicyLeases,
  env: Environment,
  iam: Iam,
  { replicationRegions }: ProvisionOptions,
  call: Call,
): Promise<Record<string, unknown>> {
  const { binding, place } = context;
  const { repositoryPrefix: prefix } = binding;
  const { account } = await askIdentity(context.clients, call);
  const wanted = [...new Set(replicationRegions ?? binding.replicationRegions ?? [])]
    .filter((region) => region !== place.region)
    .sort();

  const names = await namesWithPrefix(context, prefix, place.region, call);
  await refuseOverlappingRegistries(context, names, call);
  const rules = await readRules(context, call);
  if (wanted.length > 0) refuseForeignMatches(names, prefix);

  const own = await ensureOwnRepository(context, call);
  const known = [...new Set([...own.regions, ...context.replicaRegions, ...regionsOfRule(rules, prefix)])];
  const [pull, push] = wantedRoles({ context, account, env, regions: [place.region, ...wanted] });
  for (const role of [pull, push]) await ensureRole(iam, role, call);

  // Written down before the first replica can be: a region is never forgotten while it may hold grants.
  const either = [...new Set([...known, ...wanted])].sort();
  if (either.join(" ") !== [...own.regions].sort().join(" ")) await rememberRegions(context, own, either, call);
  await putRule(context, account, rules, wanted, call);
  const dropped = known.filter((region) => !wanted.includes(region));
  for (const region of dropped) await clearRegion(context, leases, region, call);
  if (either.join(" ") !== wanted.join(" ")) await rememberRegions(context, own, wanted, call);

  const { leaseTable, repositoryDefaults } = binding;
  return {
    service: "ecr",
    repositoryPrefix: prefix,
    pullRoleArn: pull.arn,
    pushRoleArn: push.arn,
    ...(wanted.length > 0 && { replicationRegions: wanted }),
    ...(leaseTable !== undefined && { leaseTable }),
    ...(repositoryDefaults && { repositoryDefaults }),
  };
}

/** Takes our grants away from every replica in a region, each under its lease. */
async function clearRegion(context: EcrContext, leases: PolicyLeases, region: string, call: Call): Promise<void> {
  const { repositoryPrefix: prefix } = context.binding;
  for (const name of await namesWithPrefix(context, prefix, region, call)) {
    if (name === prefix || isInside(name, prefix)) {
      await clearReplica(context, leases, name as RoutableName, region, call);
    }
  }
}

async function deprovision(
  context: EcrContext,
  leases: PolicyLeases,
  iam: Iam,
  { deleteRepositories = false }: DeprovisionOptions,
  call: Call,
): Promise<void> {
  const { binding, place } = context;
  const { repositoryPrefix: prefix } = binding;
  const own = await findOwnRepository(context, call);
  const names = (await namesWithPrefix(context, prefix, place.region, call)).filter((name) => isInside(name, prefix));
  const ours: string[] = [];
  // What somebody else made under our prefix carries no tag of ours, and stays.
  for (const name of names) if ((await findOwnRepository(context, call, name))?.owner === prefix) ours.push(name);
  if (!deleteRepositories) {
    const withImages = own?.owner === prefix && (await holdsImages(context, prefix, call)) ? [prefix] : [];
    if (ours.length + withImages.length > 0) throw notEmpty(ours.length + withImages.length);
  }
  const rules = await readRules(context, call);
  const known = [...new Set([...(own?.regions ?? []), ...context.replicaRegions, ...regionsOfRule(rules, prefix)])];
  const { account } = await askIdentity(context.clients, call);
  await putRule(context, account, rules, [], call);
  const everywhere: EcrContext = { ...context, replicaRegions: known };
  for (const name of ours) await deleteRepository(everywhere, leases, name as RoutableName, call);
  for (const kind of ["pull", "push"] as const) await removeRole(iam, roleName(prefix, kind), prefix, call);
  // Last, since its tags are what a repeated call finds the rest by; its replicas bear no tag of their own.
  if (own?.owner === prefix) {
    for (const region of known) await deleteIfThere(context, prefix, region, call);
    await deleteIfThere(context, prefix, place.region, call);
  }
}

async function drift(context: EcrContext, env: Environment, iam: Iam, call: Call): Promise<Health["findings"]> {
  const { repositoryPrefix: prefix } = context.binding;
  const hint = "Run provisionRegistry.";
  const own = await findOwnRepository(context, call);
  if (own?.owner !== prefix) return [{ message: `The registry "${prefix}" is not provisioned.`, hint }];
  const findings: Health["findings"] = [];
  const regions = [...context.replicaRegions].sort();
  const roles = wantedRoles({ context, account: own.account, env, regions: [context.place.region, ...regions] });
  for (const role of roles) {
    for (const difference of await roleDrift(iam, role, call)) {
      findings.push({ message: `The role ${role.name} differs: ${difference}.`, hint });
    }
  }
  const replicated = regionsOfRule(await readRules(context, call), prefix).sort();
  if (replicated.join(" ") !== regions.join(" ")) {
    findings.push({ message: `The registry replicates to [${replicated}], the binding names [${regions}].`, hint });
  }
  return findings;
}

function notEmpty(repositories: number): ArtifactRegistryError {
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `The registry still holds ${repositories} repositories.`, {
    hint: "Delete them first, or pass deleteRepositories: true.",
    context: { repositories },
  });
}
