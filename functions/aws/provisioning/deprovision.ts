import type { Call } from "../../../core/call.ts";
import { ArtifactRegistryError } from "../../../core/errors.ts";
import type { DeprovisionOptions } from "../../../core/registry.ts";
import { deleteWithReplicas } from "../ecr/deletion.ts";
import { probeName } from "../ecr/refused.ts";
import { roleName } from "../policy/roles.ts";
import { askIdentity } from "../sdk.ts";
import { findOwnRepository, type OwnRepository, ownerOf } from "./own-repository.ts";
import { clearRegions, declareRegions } from "./regions.ts";
import { putRule, readReplication, regionsOfRule } from "./replication.ts";
import { type Found, holdsImages, inTurns, isInside, withPrefix } from "./repositories.ts";
import { removeRole } from "./roles.ts";
import type { Site } from "./site.ts";

/**
 * Removes everything that carries the registry's tag, its replicas and its replication rule. Idempotent.
 *
 * @throws RESOURCE_CONFLICT (not retryable) while there are repositories or images, unless told to delete them
 */
export async function deprovision(
  site: Site,
  { deleteRepositories = false }: DeprovisionOptions,
  call: Call,
): Promise<void> {
  const { context, leases, iam } = site;
  const { binding, place } = context;
  const { repositoryPrefix: prefix } = binding;
  const found = await findOwnRepository(context, call);
  const own = found?.owner === prefix ? found : undefined;
  const inside = (await withPrefix(context, prefix, place.region, call)).filter(({ name }) => isInside(name, prefix));
  if (!deleteRepositories) await refuseWhatIsKept(site, inside, own, call);

  const { account } = await askIdentity(context.clients, call);
  const standing = regionsOfRule((await readReplication(context, call)).rules, prefix, account);
  const record = await leases.registry.read(call);
  const had = [...(own?.regions ?? []), ...standing, ...context.replicaRegions, ...Object.keys(record.regions)];
  const known = [...new Set(had)].filter((region) => region !== place.region);
  const isOurs = own !== undefined || record.provisioned;
  const declared = isOurs ? await declareRegions(site, [], known, call) : record;
  // Without our own repository, a rule for the prefix is somebody else's.
  if (own && standing.length > 0) await putRule(context, leases, account, call);
  const deleted: string[] = [];
  if (isOurs) {
    const probe = { name: probeName(prefix), replicas: known, images: false };
    await deleteWithReplicas(context, leases, probe, call);
    deleted.push(probe.name);
  }
  await inTurns(inside, async ({ name, arn }) => {
    if (deleted.includes(name)) return;
    // Whatever somebody else made under our prefix has no tag of ours, so it stays.
    if ((await ownerOf(context, arn, call)) !== prefix) return;
    deleted.push(name);
    await deleteWithReplicas(context, leases, { name, replicas: known, images: true }, call);
  });
  // Replicas that were left behind have no tag. They lose our grants, and stay.
  if (own) await clearRegions(site, known, call, { spared: [prefix, ...deleted] });
  for (const kind of ["pull", "push"] as const) await removeRole(iam, roleName(prefix, kind), prefix, call);
  // Last, because a repeated call finds the rest by the tags of this repository.
  if (own) {
    await deleteWithReplicas(context, leases, { name: prefix, replicas: known, images: deleteRepositories }, call);
  }
  // Whoever provisions the registry meanwhile has changed the record.
  await leases.registry.change(call, ({ version }) =>
    isOurs && version === declared.version ? { provisioned: false, states: {}, refused: [] } : undefined,
  );
}

async function refuseWhatIsKept(
  { context }: Site,
  inside: readonly Found[],
  own: OwnRepository | undefined,
  call: Call,
): Promise<void> {
  const { repositoryPrefix: prefix } = context.binding;
  let kept = own && (await holdsImages(context, prefix, call)) ? 1 : 0;
  await inTurns(inside, async ({ name, arn }) => {
    if (name !== probeName(prefix) && (await ownerOf(context, arn, call)) === prefix) kept++;
  });
  if (kept > 0) throw notEmpty(kept);
}

function notEmpty(repositories: number): ArtifactRegistryError {
  const what = repositories === 1 ? "a repository" : `${repositories} repositories`;
  return new ArtifactRegistryError("RESOURCE_CONFLICT", `The registry still holds ${what}.`, {
    hint: "Delete them first, or pass deleteRepositories: true. The images under the bare prefix count as one.",
    context: { repositories },
  });
}
